package people

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"gridhub/hub/identity"
	"gridhub/hub/sheets"
)

// RowFault is one cell of a table of staff that cannot be used. Row is as the
// spreadsheet numbers it.
type RowFault struct {
	Row    int    `json:"row"`
	Column string `json:"column"`
	Value  string `json:"value"`
	Want   string `json:"want"`
}

// ImportReport says what a table of staff would change, or has changed. Rows
// with a fault change nothing, and take no other row with them.
type ImportReport struct {
	Rows    int        `json:"rows"`
	Added   int        `json:"added"`
	Changed int        `json:"changed"`
	Same    int        `json:"same"`
	Dry     bool       `json:"dry" doc:"nothing was written"`
	Faults  []RowFault `json:"faults"`
}

// Known says which departments and grids there are.
type Known struct {
	Departments []Department
	Grids       []string
}

// column is one of a table of staff. Headings are those that are understood,
// the template's first.
type column struct {
	headings []string
	example  string
	must     bool
	read     func(r *staffReader, s *Staff, cell string) (want string)
}

// forceNames are what forces are called in tables.
var forceNames = map[string]Force{"综治巡防": PatrolForce, "巡防": PatrolForce, "网格员": GridForce, "社区两委": Community, "社区": Community, "街道干部": Cadre, "干部": Cadre}

var columns = []column{
	{[]string{"工号", "编号", "id", "number"}, "p-901", true, func(_ *staffReader, s *Staff, c string) string {
		s.ID = identity.PersonID(c)
		if !named(c) {
			return "a number such as p-017: up to 64 of a-z A-Z 0-9 - _ ."
		}
		return ""
	}},
	{[]string{"显示名", "称呼", "label"}, "网格员 901", true, func(_ *staffReader, s *Staff, c string) string { s.Label.ZH = c; return "" }},
	{[]string{"英文显示名", "label_en"}, "Grid member 901", false, func(_ *staffReader, s *Staff, c string) string { s.Label.EN = c; return "" }},
	{[]string{"队伍", "力量", "force"}, "网格员", true, func(_ *staffReader, s *Staff, c string) string {
		if s.Force = Force(strings.ToLower(c)); forceNames[c] != "" {
			s.Force = forceNames[c]
		}
		if !s.Force.Known() {
			return "综治巡防, 网格员, 社区两委, 街道干部; or " + Forces()
		}
		return ""
	}},
	{[]string{"部门", "department"}, "CM", false, (*staffReader).department},
	{[]string{"网格", "grids"}, "G01、G02", false, (*staffReader).grids},
	{[]string{"技能", "skills"}, "first-aid、mediation", false, func(_ *staffReader, s *Staff, c string) string { s.Skills = listed(c); return "" }},
}

// staffReader turns rows into staff.
type staffReader struct {
	known Known
	at    map[int]int // column of the table -> index of columns
	title map[int]string
}

func (r *staffReader) department(s *Staff, cell string) string {
	var codes []string
	for _, d := range r.known.Departments {
		if s.Department = d.Code; strings.EqualFold(cell, d.Code) || cell == d.Name.ZH || strings.EqualFold(cell, d.Name.EN) {
			return ""
		}
		codes = append(codes, d.Code)
	}
	if s.Department = cell; len(codes) == 0 && named(cell) {
		return ""
	}
	return "one of the street's departments: " + strings.Join(codes, ", ")
}

func (r *staffReader) grids(s *Staff, cell string) string {
	s.Grids = listed(cell)
	for i, g := range s.Grids {
		switch {
		case slices.Contains(s.Grids[:i], g):
			return "each grid once"
		case len(r.known.Grids) > 0 && !slices.Contains(r.known.Grids, g):
			return "grids of the street; " + g + " is none"
		}
	}
	return ""
}

// listed splits a cell at whatever people put between things.
func listed(cell string) []string {
	return strings.FieldsFunc(cell, func(c rune) bool { return strings.ContainsRune("、,，;； \n", c) })
}

// ImportTable reads a table of staff, CSV or XLSX, and brings it in; dry only
// says what that would do. A person is known by number: the same table again
// changes nothing. The error is of a file that cannot be used at all.
func (d *Directory) ImportTable(ctx context.Context, data []byte, known Known, dry bool) (ImportReport, error) {
	rows, err := sheets.Read(data, sheets.Limits{Bytes: 4 << 20, Rows: 10_000, Columns: 50, Cell: 2000})
	if err != nil {
		return ImportReport{}, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	r, rows, err := openTable(rows, known)
	if err != nil {
		return ImportReport{}, err
	}
	report := ImportReport{Rows: len(rows), Dry: dry, Faults: []RowFault{}}
	var change []Staff
	seen := map[identity.PersonID]int{}
	for _, row := range rows {
		s, faults := r.staff(row)
		if first, twice := seen[s.ID]; twice && len(faults) == 0 {
			faults = []RowFault{{row.Number, r.title[0], string(s.ID), fmt.Sprintf("each number once; row %d has it", first)}}
		}
		if report.Faults = append(report.Faults, faults...); len(faults) > 0 {
			continue
		}
		seen[s.ID] = row.Number
		switch was, err := d.Person(ctx, s.ID); {
		case err != nil:
			report.Added++
		case same(was, s):
			report.Same++
			continue
		default:
			report.Changed++
		}
		change = append(change, s)
	}
	if dry || len(change) == 0 {
		return report, nil
	}
	return report, d.Import(ctx, change)
}

// same compares as stored, where no list and an empty one are not told apart.
func same(a, b Staff) bool {
	flat := func(s Staff) (out map[string]any) {
		s.Grids, s.Skills = append([]string{}, s.Grids...), append([]string{}, s.Skills...)
		body, _ := json.Marshal(s)     // plain values
		_ = json.Unmarshal(body, &out) // of what was just written
		return out
	}
	return reflect.DeepEqual(flat(a), flat(b))
}

// openTable finds the headings, which stand in the first row, or below titles.
func openTable(rows []sheets.Row, known Known) (*staffReader, []sheets.Row, error) {
	for i, row := range rows[:min(5, len(rows))] {
		r := &staffReader{known: known, at: map[int]int{}, title: map[int]string{}}
		for at, cell := range row.Cells {
			for c := range columns {
				if slices.Contains(columns[c].headings, strings.ToLower(strings.TrimSpace(cell))) {
					r.at[at], r.title[c] = c, strings.TrimSpace(cell)
				}
			}
		}
		if _, numbered := r.title[0]; !numbered {
			continue
		}
		for c := range columns {
			if r.title[c] == "" && columns[c].must {
				return nil, nil, fmt.Errorf("%w: no column %s", ErrInvalid, strings.Join(columns[c].headings, ", "))
			}
		}
		return r, rows[i+1:], nil
	}
	return nil, nil, fmt.Errorf("%w: no column %s among the first rows", ErrInvalid, strings.Join(columns[0].headings, ", "))
}

// staff reads one row, or says everything that is wrong with it.
func (r *staffReader) staff(row sheets.Row) (s Staff, faults []RowFault) {
	if row.Broken != "" {
		return s, []RowFault{{Row: row.Number, Value: shorten(strings.Join(row.Cells, ", ")), Want: row.Broken}}
	}
	filled := map[int]bool{}
	for at, cell := range row.Cells {
		c, ok := r.at[at]
		if cell = strings.TrimSpace(cell); !ok || cell == "" {
			continue
		}
		filled[c] = true
		if want := columns[c].read(r, &s, cell); want != "" {
			faults = append(faults, RowFault{row.Number, r.title[c], shorten(cell), want})
		}
	}
	for c := range columns {
		if columns[c].must && !filled[c] {
			faults = append(faults, RowFault{row.Number, r.title[c], "", "a value"})
		}
	}
	if s.Label.EN == "" {
		s.Label.EN = s.Label.ZH
	}
	return s, faults
}

// shorten keeps a report readable.
func shorten(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return s
}

// Template is an empty table of staff with one line that shows how.
func Template() sheets.Sheet {
	s := sheets.Sheet{Name: "staff", Rows: [][]any{{}}}
	for _, c := range columns {
		s.Head = append(s.Head, c.headings[0])
		s.Rows[0] = append(s.Rows[0], c.example)
	}
	return s
}

// FaultSheet is the faults of a report as a table, to be mended from.
func FaultSheet(faults []RowFault) sheets.Sheet {
	s := sheets.Sheet{Name: "faults", Head: []string{"行 row", "列 column", "值 value", "应为 want"}}
	for _, f := range faults {
		s.Rows = append(s.Rows, []any{f.Row, f.Column, f.Value, f.Want})
	}
	return s
}
