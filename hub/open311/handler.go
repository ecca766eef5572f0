package open311

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"gridhub/devices/telemetry"
	"gridhub/hub/geo"
	"gridhub/hub/identity"
	"gridhub/hub/limit"
	"gridhub/hub/tasks"
)

// Base is the path below which Handler answers.
const Base = "/open311/v2/"

// maxBody bounds a report: texts only, in a form.
const maxBody = 64 << 10

// question is what one path is answered with: a value, and the name of the
// element around a list in XML.
type question func(*http.Request) (v any, around string, err error)

// Handler serves the interface below Base. Nobody signs in; each address has an
// allowance of reports and of questions.
func (d *Desk) Handler() http.Handler {
	mux := http.NewServeMux()
	add := func(method, path string, status int, l *limit.Limiter, q question) {
		mux.HandleFunc(method+" "+Base+path, d.answer(status, l, q))
	}
	for _, format := range []string{"json", "xml"} {
		add("GET", "services."+format, http.StatusOK, d.reads, d.services)
		add("GET", "requests."+format, http.StatusOK, d.reads, d.requests)
		add("POST", "requests."+format, http.StatusCreated, d.posts, d.post)
	}
	add("GET", "services/{code}", http.StatusOK, d.reads, d.definition)
	add("GET", "requests/{id}", http.StatusOK, d.reads, d.one)
	add("GET", "tokens/{token}", http.StatusOK, d.reads, d.token)
	add("GET", "follow/{token}", http.StatusOK, d.reads, d.progress)
	add("POST", "follow/{token}", http.StatusCreated, d.posts, d.again)
	add("GET", "", http.StatusNotFound, d.reads, func(*http.Request) (any, string, error) {
		return nil, "", &Fault{Code: 404, Description: "want services, requests, tokens or follow, with .json or .xml"}
	})
	return mux
}

// formatted splits the last part of a path: 033.xml.
func formatted(s string) (name, format string) {
	if i := strings.LastIndexByte(s, '.'); i >= 0 {
		return s[:i], s[i+1:]
	}
	return s, ""
}

// answer makes a handler of f: it limits, asks, and writes what came of it.
func (d *Desk) answer(good int, l *limit.Limiter, f question) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		format := asked(r.URL.Path)
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Access-Control-Allow-Origin", "*") // no session is looked at: every page may ask
		if wait, ok := l.Take(limit.Peer(r.RemoteAddr, r.Header.Values("X-Forwarded-For")...)); !ok {
			w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
			write(w, format, http.StatusTooManyRequests, []Fault{{Code: 429, Description: "too many requests from this address"}}, "errors")
			return
		}
		if format != "json" && format != "xml" {
			write(w, "xml", http.StatusBadRequest, []Fault{{Code: 400, Description: "format: want .json or .xml"}}, "errors")
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		v, around, err := f(r)
		if err != nil {
			fault := explain(err)
			write(w, format, fault.Code, []Fault{*fault}, "errors")
			return
		}
		write(w, format, good, v, around)
	}
}

func asked(path string) string {
	_, format := formatted(path[strings.LastIndexByte(path, '/')+1:])
	return strings.ToLower(format)
}

// explain turns an error into one of the specification's. What is our own
// trouble is not told.
func explain(err error) *Fault {
	var f *Fault
	var refused *tasks.RefusedError
	switch {
	case errors.As(err, &f):
		return f
	case errors.Is(err, tasks.ErrNotFound):
		return &Fault{Code: 404, Description: "service_request_id or token: no such request"}
	case errors.As(err, &refused) && refused.Code == "state":
		return &Fault{Code: 409, Description: refused.Reason}
	case errors.As(err, &refused):
		return &Fault{Code: 400, Description: refused.Reason}
	}
	return &Fault{Code: 500, Description: "the service cannot answer now"}
}

// write sends v; in XML a list stands in the element around, escaped as any
// text is.
func write(w http.ResponseWriter, format string, status int, v any, around string) {
	if format == "xml" {
		w.Header().Set("Content-Type", "text/xml; charset=utf-8")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(xml.Header)) // the reader left; nobody to tell
		if around != "" {
			v = list{XMLName: xml.Name{Local: around}, Items: v}
		}
		_ = xml.NewEncoder(w).Encode(v)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

func (d *Desk) services(*http.Request) (any, string, error) {
	out := []Service{}
	for _, code := range d.order {
		m := d.public[code]
		out = append(out, Service{Code: code, Name: m.Name.ZH, Description: m.Name.EN, Metadata: true, Type: "realtime",
			Keywords: strings.Join(m.Keywords, ","), Group: m.Domain})
	}
	return out, "services", nil
}

// danger is the one question that every service asks.
const danger = "danger"

func (d *Desk) definition(r *http.Request) (any, string, error) {
	code, _ := formatted(r.PathValue("code"))
	if _, ok := d.public[code]; !ok {
		return nil, "", &Fault{Code: 404, Description: "service_code: no such service: " + code}
	}
	return Definition{Code: code, Attributes: []Attribute{{Variable: true, Code: danger, Datatype: "singlevaluelist", Order: 1,
		Description: "是否有人身危险? Is anybody in danger?", Help: "choose one", Values: []Value{{"no", "否 no"}, {"yes", "是 yes"}}}}}, "", nil
}

func (d *Desk) one(r *http.Request) (any, string, error) {
	id, _ := formatted(r.PathValue("id"))
	c, _, err := d.pool.Get(r.Context(), identity.CaseID(id))
	if err == nil && !d.shown(c) {
		err = tasks.ErrNotFound
	}
	if err != nil {
		return nil, "", err
	}
	return []Request{d.request(c)}, "service_requests", nil
}

// Requests are listed over at most 90 days and at most 1000 at a time, as the
// specification says.
const (
	longest  = 90 * 24 * time.Hour
	mostRows = 1000
)

func (d *Desk) requests(r *http.Request) (any, string, error) {
	q := r.URL.Query()
	if ids := q.Get("service_request_id"); ids != "" {
		return d.named(r, strings.Split(ids, ","))
	}
	from, to, err := d.period(q.Get("start_date"), q.Get("end_date"))
	if err != nil {
		return nil, "", err
	}
	all, err := d.pool.List(r.Context(), tasks.Filter{ReportedFrom: from, ReportedTo: to, Limit: 4 * mostRows})
	if err != nil {
		return nil, "", err
	}
	out := []Request{}
	for _, c := range all {
		if v := d.request(c); d.shown(c) && among(q.Get("service_code"), v.ServiceCode) && among(q.Get("status"), v.Status) && len(out) < mostRows {
			out = append(out, v)
		}
	}
	slices.SortFunc(out, func(a, b Request) int { return strings.Compare(b.Requested, a.Requested) })
	return out, "service_requests", nil
}

func (d *Desk) named(r *http.Request, ids []string) (any, string, error) {
	out := []Request{}
	for _, id := range ids[:min(len(ids), 100)] {
		c, _, err := d.pool.Get(r.Context(), identity.CaseID(strings.TrimSpace(id)))
		if errors.Is(err, tasks.ErrNotFound) || err == nil && !d.shown(c) {
			continue
		}
		if err != nil {
			return nil, "", err
		}
		out = append(out, d.request(c))
	}
	return out, "service_requests", nil
}

// among reports whether v is one of a list with commas; an empty list has all.
func among(list, v string) bool {
	return list == "" || slices.Contains(strings.Split(list, ","), v)
}

// period reads two dates of W3C. One that is missing lies 90 days from the
// other, or from now.
func (d *Desk) period(start, end string) (from, to telemetry.Millis, err error) {
	until := d.o.Now()
	if end != "" {
		if until, err = time.Parse(time.RFC3339, end); err != nil {
			return 0, 0, &Fault{Code: 400, Description: "end_date: want 2026-11-23T00:00:00Z"}
		}
	}
	since := until.Add(-longest)
	if start != "" {
		if since, err = time.Parse(time.RFC3339, start); err != nil {
			return 0, 0, &Fault{Code: 400, Description: "start_date: want 2026-11-23T00:00:00Z"}
		}
	}
	if start != "" && end == "" && until.Sub(since) > longest {
		until = since.Add(longest)
	}
	if until.Before(since) || until.Sub(since) > longest {
		return 0, 0, &Fault{Code: 400, Description: "start_date, end_date: want a span of at most 90 days"}
	}
	return telemetry.At(since), telemetry.At(until) + 1, nil
}

func (d *Desk) token(r *http.Request) (any, string, error) {
	token, _ := formatted(r.PathValue("token"))
	c, _, err := d.follow(r.Context(), token)
	if err != nil {
		return nil, "", err
	}
	return []Receipt{{ID: c.ID, Token: token}}, "service_requests", nil
}

// told are the steps that a reporter is told of.
var told = []tasks.EventType{tasks.Reported, tasks.Screened, tasks.Rejected, tasks.Verifying, tasks.Verified, tasks.Filed, tasks.Dispatched, tasks.Onscene, tasks.Suspended,
	tasks.Resumed, tasks.Claimed, tasks.Rework, tasks.Closed, tasks.Merged}

func (d *Desk) progress(r *http.Request) (any, string, error) {
	token, _ := formatted(r.PathValue("token"))
	own, events, err := d.follow(r.Context(), token)
	if err != nil {
		return nil, "", err
	}
	c, said := own, events[0].Body.Text
	if own.Into != "" { // what becomes of it is told by the case it was merged into
		if c, events, err = d.pool.Get(r.Context(), own.Into); err != nil {
			return nil, "", err
		}
	}
	p := Progress{Request: d.request(c), Number: own.Number, Said: said, Steps: []Step{}, MayReopen: c.State == tasks.Closed || c.State == tasks.Archived}
	p.Request.Lat, p.Request.Lon, p.Request.Requested = own.Place.Lat, own.Place.Lon, d.stamp(own.Reported)
	for _, e := range events {
		if slices.Contains(told, e.Type) {
			p.Steps = append(p.Steps, Step{Step: string(e.Type), At: d.stamp(e.At)})
		}
	}
	return p, "", nil
}

func (d *Desk) again(r *http.Request) (any, string, error) {
	token, _ := formatted(r.PathValue("token"))
	words := strings.TrimSpace(r.PostFormValue("description"))
	if n := utf8.RuneCountInString(words); n < 1 || n > maxWords {
		return nil, "", &Fault{Code: 400, Description: fmt.Sprintf("description: want 1 to %d characters: what is not in order?", maxWords)}
	}
	c, _, err := d.follow(r.Context(), token)
	if err == nil {
		_, err = d.pool.Reopen(r.Context(), c.ID, "reopen-"+newCode(), words)
	}
	if err != nil {
		return nil, "", err
	}
	return d.progress(r)
}

// maxWords is how much a reporter may write, in characters.
const maxWords = 3000

func (d *Desk) post(r *http.Request) (any, string, error) {
	if err := r.ParseForm(); err != nil {
		return nil, "", &Fault{Code: 400, Description: "want a form (application/x-www-form-urlencoded) of at most 64 KiB"}
	}
	rep, err := d.read(r.PostForm)
	if err != nil {
		return nil, "", err
	}
	code := newCode()
	rep.ID = "open311-" + newCode()
	c, err := d.pool.Report(r.Context(), resident, rep)
	if err == nil {
		err = d.remember(r.Context(), code, c.ID)
	}
	if err != nil {
		return nil, "", err
	}
	return []Receipt{{ID: c.ID, Token: code, Notice: "查询码 / follow by this code: " + code}}, "service_requests", nil
}

// read makes a report of a form, or says what is missing.
func (d *Desk) read(form map[string][]string) (tasks.Report, error) {
	get := func(k string) string {
		if len(form[k]) == 0 {
			return ""
		}
		return strings.TrimSpace(form[k][0])
	}
	m, ok := d.public[get("service_code")]
	if !ok {
		return tasks.Report{}, &Fault{Code: 400, Description: "service_code: want one of those that services lists"}
	}
	for k, most := range map[string]int{"description": maxWords, "address_string": 300, "first_name": 60, "last_name": 60, "phone": 40, "email": 100} {
		if utf8.RuneCountInString(get(k)) > most || !utf8.ValidString(get(k)) {
			return tasks.Report{}, &Fault{Code: 400, Description: fmt.Sprintf("%s: want at most %d characters", k, most)}
		}
	}
	place, grid, err := d.place(get("lat"), get("long"), get("address_string"))
	if err != nil {
		return tasks.Report{}, err
	}
	text := get("description")
	if a := get("address_string"); a != "" {
		text += "\n地址：" + a
	}
	rep := tasks.Report{Matter: m.Code, Source: "resident", Severity: "minor", Place: place, Grid: grid, Text: strings.TrimSpace(text),
		At: telemetry.At(d.o.Now()), Reporter: strings.Join(strings.Fields(get("last_name")+" "+get("first_name")+" "+get("phone")+" "+get("email")), " ")}
	if get("attribute["+danger+"]") == "yes" {
		rep.Severity = "major"
	}
	return rep, nil
}

func (d *Desk) place(lat, lon, address string) (geo.Point, string, error) {
	if lat != "" || lon != "" {
		la, err1 := strconv.ParseFloat(lat, 64)
		lo, err2 := strconv.ParseFloat(lon, 64)
		if p := (geo.Point{Lon: lo, Lat: la}); err1 == nil && err2 == nil && p.Valid() {
			return p, "", nil
		}
		return geo.Point{}, "", &Fault{Code: 400, Description: "lat, long: want degrees in WGS-84"}
	}
	if p, grid, ok := d.o.Locate(address); ok && address != "" {
		return p, grid, nil
	}
	return geo.Point{}, "", &Fault{Code: 400, Description: "lat and long, or an address_string that names a grid of this street, is required"}
}
