// Package hotline brings the orders of the 12345 hotline into the task pool:
// from CSV and XLSX files as the city's platform exports them, and one by one
// from programs.
//
// It promises that an order, known by its number, becomes one case however
// often it comes; that an import interrupted at any point goes on where it was;
// and that every row which made no case is listed with its column, its value
// and what was wanted. Callers' names, numbers, addresses and words enter only
// the fields of a case that can be erased. It answers nothing back to the city.
package hotline

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"gridhub/devices/telemetry"
	"gridhub/hub/geo"
	"gridhub/hub/identity"
	"gridhub/hub/tasks"
)

// Pool is where orders become cases. A report whose id is known makes no
// second case.
type Pool interface {
	Matters() []tasks.Matter
	Report(ctx context.Context, who identity.Principal, r tasks.Report) (tasks.Case, error)
}

// Order is one order of the hotline, as programs send it and as a row says it.
type Order struct {
	Number   string           `json:"order" minLength:"1" maxLength:"50" doc:"the city's number; the same number is the same order"`
	Text     string           `json:"text" minLength:"1" maxLength:"3000" doc:"what the caller said"`
	Name     string           `json:"name,omitempty" maxLength:"60"`
	Phone    string           `json:"phone,omitempty" maxLength:"40"`
	Address  string           `json:"address,omitempty" maxLength:"300"`
	Grid     string           `json:"grid,omitempty" maxLength:"60" doc:"code or name of a grid"`
	Matter   string           `json:"matter,omitempty" maxLength:"60" doc:"code or name of a matter; default: routed by the words of the text"`
	Severity string           `json:"severity,omitempty" enum:"info,minor,major,critical"`
	At       telemetry.Millis `json:"at,omitempty" doc:"when the call was; default: now"`
	Lon      float64          `json:"lon,omitempty" doc:"WGS-84"`
	Lat      float64          `json:"lat,omitempty" doc:"WGS-84"`
}

// Fault says what is wrong with one field of one row. Row is 0 for an order
// that came from no file; Column is the heading in the file, or the field.
type Fault struct {
	Row    int    `json:"row"`
	Column string `json:"column"`
	Value  string `json:"value"`
	Want   string `json:"want"`
}

// desk judges orders: what they must have and where they belong.
type desk struct {
	pool   Pool
	locate func(grid, address string) (geo.Point, string, bool)
	center geo.Point
	zone   *time.Location
	back   string // matter of what no word routes; empty: refused
	now    func() time.Time
}

// clockSlack is how far a caller's clock may be ahead of ours.
const clockSlack = 5 * time.Minute

// earliest is a time before which no order can be: a cell that says so holds
// something else.
var earliest = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// report makes a report of an order, or says everything that is wrong with it.
func (d desk) report(o Order) (tasks.Report, []Fault) {
	var f []Fault
	want := func(ok bool, column, value, what string) {
		if !ok {
			f = append(f, Fault{Column: column, Value: shorten(value), Want: what})
		}
	}
	want(sayable(o.Number), "order", o.Number, "a number of 1 to 50 printable characters")
	for _, l := range []struct {
		column, value string
		least, most   int
	}{{"text", o.Text, 1, 3000}, {"name", o.Name, 0, 60}, {"phone", o.Phone, 0, 40}, {"address", o.Address, 0, 300}} {
		n := utf8.RuneCountInString(l.value)
		want(n >= l.least && n <= l.most, l.column, l.value, fmt.Sprintf("%d to %d characters", l.least, l.most))
	}
	at, now := o.At.Time(), d.now()
	if o.At == 0 {
		at = now
	}
	want(at.After(earliest) && at.Before(now.Add(clockSlack)), "at", at.In(d.zone).Format(time.DateTime), "a time that is past, since 2000")
	m, why := d.matter(o)
	want(m != "", "matter", o.Matter, "the code or name of a matter, or a text with the words of one")
	place, grid, ok := d.place(o)
	want(ok, "grid", o.Grid, "the code or name of a grid of this street")
	return tasks.Report{ID: "hotline-" + o.Number, Matter: m, Source: "hotline", Severity: o.Severity, Place: place, Grid: grid,
		At: telemetry.At(at), Reporter: strings.TrimSpace(o.Name + " " + o.Phone), Text: o.words(why)}, f
}

// words are what the handler reads; all of it is personal.
func (o Order) words(why string) string {
	parts := []string{o.Text}
	for _, p := range [][2]string{{"地址：", o.Address}, {"工单：", o.Number}, {"归类：", why}} {
		if p[1] != "" {
			parts = append(parts, p[0]+p[1])
		}
	}
	return strings.Join(parts, "\n")
}

// place is where the order's coordinates, grid or address put it, else the
// middle of the street: a call-taker will ask. A grid that is named must exist.
func (d desk) place(o Order) (geo.Point, string, bool) {
	p := geo.Point{Lon: o.Lon, Lat: o.Lat}
	at, grid, found := d.locate(o.Grid, o.Address)
	switch {
	case o.Grid != "" && !found:
		return p, "", false
	case p.Valid():
		return p, grid, true
	case found:
		return at, grid, true
	}
	return d.center, "", true
}

// matter is the one the order names, else the one most of whose words stand in
// the text, counted in characters; why says which.
func (d desk) matter(o Order) (code, why string) {
	best := 0
	for _, m := range d.pool.Matters() {
		if o.Matter != "" && (strings.EqualFold(o.Matter, m.Code) || o.Matter == m.Name.ZH || strings.EqualFold(o.Matter, m.Name.EN)) {
			return m.Code, ""
		}
		n, words := 0, []string{}
		for _, w := range m.Keywords {
			if strings.Contains(o.Text, w) || strings.Contains(o.Matter, w) {
				n += utf8.RuneCountInString(w)
				words = append(words, w)
			}
		}
		if n > best {
			best, code, why = n, m.Code, m.Code+" ("+strings.Join(words, "、")+")"
		}
	}
	if code == "" {
		return d.back, ""
	}
	return code, why
}

func sayable(number string) bool {
	n := utf8.RuneCountInString(number)
	return n >= 1 && n <= 50 && !strings.ContainsFunc(number, func(r rune) bool { return !unicode.IsPrint(r) })
}

// shorten keeps one line of at most 60 characters for the list of faults.
func shorten(s string) string {
	s, _, more := strings.Cut(s, "\n")
	if r := []rune(s); len(r) > 60 {
		s, more = string(r[:60]), true
	}
	if more {
		s += "…"
	}
	return s
}
