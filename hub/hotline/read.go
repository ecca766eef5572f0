package hotline

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"gridhub/devices/telemetry"
	"gridhub/hub/geo"
	"gridhub/hub/sheets"
)

// reader turns the rows of one file into orders.
type reader struct {
	cfg    Config
	zone   *time.Location
	column map[string]int    // field -> column
	title  map[string]string // field -> its heading in this file
	rows   []sheets.Row      // below the headings
}

// headIn is among how many rows the headings are looked for: exports put titles
// above them.
const headIn = 10

// read finds the headings of a file. The error says which are missing, and what
// stands there instead.
func read(data []byte, cfg Config, zone *time.Location, l sheets.Limits) (*reader, error) {
	rows, err := sheets.Read(data, l)
	if err != nil {
		return nil, err
	}
	best := &reader{}
	var bestRow sheets.Row
	for i, row := range rows[:min(headIn, len(rows))] {
		r := &reader{cfg: cfg, zone: zone, rows: rows[i+1:]}
		if r.headings(row); len(r.column) > len(best.column) || i == 0 {
			best, bestRow = r, row
		}
	}
	for _, f := range fields[:2] {
		if _, ok := best.column[f.name]; !ok {
			return nil, fmt.Errorf("no column for %s: want one of the headings %s; row %d has %s", f.name,
				strings.Join(f.headings(&cfg.Columns), ", "), bestRow.Number, shorten(strings.Join(bestRow.Cells, ", ")))
		}
	}
	return best, nil
}

// headings finds the columns of a row. The heading listed first wins when a
// file has several of one field.
func (r *reader) headings(row sheets.Row) {
	r.column, r.title = map[string]int{}, map[string]string{}
	cells := make([]string, len(row.Cells))
	for i, c := range row.Cells {
		cells[i] = key(c)
	}
	for _, f := range fields {
		for _, h := range f.headings(&r.cfg.Columns) {
			if i := slices.Index(cells, key(h)); i >= 0 {
				r.column[f.name], r.title[f.name] = i, row.Cells[i]
				break
			}
		}
	}
}

// order reads one row, or says everything that is wrong with its cells.
func (r *reader) order(row sheets.Row) (Order, []Fault) {
	var o Order
	if row.Broken != "" {
		return o, []Fault{{Row: row.Number, Value: shorten(strings.Join(row.Cells, ", ")), Want: row.Broken}}
	}
	var faults []Fault
	for _, f := range fields {
		i, ok := r.column[f.name]
		if !ok || i >= len(row.Cells) || row.Cells[i] == "" {
			continue
		}
		if want := f.fill(r, &o, row.Cells[i]); want != "" {
			faults = append(faults, Fault{Column: f.name, Value: shorten(row.Cells[i]), Want: want})
		}
	}
	r.convert(&o)
	return o, faults
}

// place puts the row's number and this file's headings into faults.
func (r *reader) place(row int, faults []Fault) []Fault {
	for i := range faults {
		faults[i].Row = row
		if t, ok := r.title[faults[i].Column]; ok {
			faults[i].Column = t
		}
	}
	return faults
}

func (r *reader) convert(o *Order) {
	p := geo.Point{Lon: o.Lon, Lat: o.Lat}
	if !p.Valid() {
		return
	}
	switch r.cfg.Coordinates {
	case "gcj02":
		p = geo.FromGCJ02(p)
	case "bd09":
		p = geo.FromBD09(p)
	}
	o.Lon, o.Lat = p.Lon, p.Lat
}

func (r *reader) severity(o *Order, cell string) string {
	if slices.Contains(severities, cell) {
		o.Severity = cell
		return ""
	}
	var known []string
	for _, s := range severities {
		if slices.Contains(r.cfg.Severity[s], cell) {
			o.Severity = s
			return ""
		}
		known = append(known, r.cfg.Severity[s]...)
	}
	return "one of " + strings.Join(known, ", ")
}

func (r *reader) time(o *Order, cell string) string {
	for _, layout := range r.cfg.Times {
		if t, err := time.ParseInLocation(layout, cell, r.zone); err == nil {
			o.At = telemetry.At(t)
			return ""
		}
	}
	if t, ok := sheets.Date(cell, r.zone); ok {
		o.At = telemetry.At(t)
		return ""
	}
	return "a time such as " + r.example()
}

func (r *reader) example() string {
	if len(r.cfg.Times) == 0 {
		return "a date of Excel"
	}
	return time.Date(2026, 11, 23, 8, 30, 0, 0, r.zone).Format(r.cfg.Times[0])
}

func degrees(into func(*Order) *float64, most float64) func(*reader, *Order, string) string {
	return func(_ *reader, o *Order, cell string) string {
		v, err := strconv.ParseFloat(cell, 64)
		if err != nil || math.IsNaN(v) || math.Abs(v) > most {
			return fmt.Sprintf("degrees from -%v to %v", most, most)
		}
		*into(o) = v
		return ""
	}
}
