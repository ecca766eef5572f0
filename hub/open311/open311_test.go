package open311

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"gridhub/devices/telemetry"
	"gridhub/hub/geo"
	"gridhub/hub/identity"
	"gridhub/hub/people"
	"gridhub/hub/store/storetest"
	"gridhub/hub/tasks"
)

var zone = time.FixedZone("CST", 8*3600)

type bench struct {
	t    *testing.T
	now  time.Time
	pool *tasks.Pool
	http http.Handler
	n    int
	from string
}

func open(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, now: time.Date(2026, 11, 23, 10, 0, 0, 0, zone), from: "198.51.100.7:5000"}
	matter := func(code, zh, privacy string) tasks.Matter {
		return tasks.Matter{Code: code, Open311: code, Domain: "urban", Privacy: privacy, Name: people.Name{ZH: zh, EN: code}, Lead: "SAN", Keywords: []string{"垃圾", "litter"},
			Auto: []tasks.EventType{tasks.Screened, tasks.Filed}}
	}
	db, now := storetest.Open(t), func() time.Time { return b.now }
	var err error
	b.pool, err = tasks.Open(t.Context(), db, tasks.Options{Matters: []tasks.Matter{matter("CG02", "暴露垃圾", "public"), matter("SZ07", "走访", "restricted")},
		Calendar: tasks.OfficeHours(zone), Now: now})
	if err != nil {
		t.Fatal(err)
	}
	d, err := Open(t.Context(), db, b.pool, Options{Zone: zone, Now: now, Agency: func(code string) string { return "环卫 " + code },
		Locate: func(a string) (geo.Point, string, bool) {
			return geo.Point{Lon: 120.147, Lat: 30.268}, "G01", strings.Contains(a, "南埠")
		}})
	if err != nil {
		t.Fatal(err)
	}
	b.http = d.Handler()
	return b
}

func (b *bench) ask(method, path string, form url.Values) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "/open311/v2/"+path, strings.NewReader(form.Encode()))
	r.RemoteAddr = b.from
	if method == "POST" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	}
	w := httptest.NewRecorder()
	b.http.ServeHTTP(w, r)
	return w
}

// get asks and decodes the JSON of an expected status.
func (b *bench) get(method, path string, form url.Values, status int, into any) {
	b.t.Helper()
	w := b.ask(method, path, form)
	if w.Code != status {
		b.t.Fatalf("%s %s: %d %s, want %d", method, path, w.Code, w.Body, status)
	}
	if err := json.Unmarshal(w.Body.Bytes(), into); err != nil {
		b.t.Fatalf("%s: %v in %s", path, err, w.Body)
	}
}

// report is the specification's example of POST requests, with our words.
var report = url.Values{"service_code": {"CG02"}, "lat": {"30.270412"}, "long": {"120.160487"}, "description": {"楼下垃圾<script>alert(1)</script>"},
	"address_string": {"南埠5幢"}, "first_name": {"三"}, "last_name": {"张"}, "phone": {"13800001234"}, "email": {"z@example.org"},
	"attribute[danger]": {"yes"}, "media_url": {"http://127.0.0.1/photo.jpg"}, "api_key": {"xyz"}, "jurisdiction_id": {"city.gov"}}

func (b *bench) post() Receipt {
	b.t.Helper()
	var out []Receipt
	b.get("POST", "requests.json", report, 201, &out)
	if len(out) != 1 || out[0].ID == "" || len(out[0].Token) < 26 {
		b.t.Fatalf("%+v", out)
	}
	return out[0]
}

func TestServices(t *testing.T) {
	b := open(t)
	var list []map[string]any
	b.get("GET", "services.json", nil, 200, &list)
	if len(list) != 1 || list[0]["service_code"] != "CG02" || list[0]["service_name"] != "暴露垃圾" || list[0]["type"] != "realtime" ||
		list[0]["metadata"] != true || list[0]["keywords"] != "垃圾,litter" || list[0]["group"] != "urban" {
		t.Errorf("%v", list)
	}
	want := xml.Header + `<services><service><service_code>CG02</service_code><service_name>暴露垃圾</service_name><description>CG02</description>` +
		`<metadata>true</metadata><type>realtime</type><keywords>垃圾,litter</keywords><group>urban</group></service></services>`
	if w := b.ask("GET", "services.xml", nil); w.Body.String() != want || w.Header().Get("Content-Type") != "text/xml; charset=utf-8" {
		t.Errorf("%s\nwant\n%s", w.Body, want)
	}
	var def map[string]any
	b.get("GET", "services/CG02.json", nil, 200, &def)
	if def["service_code"] != "CG02" || len(def["attributes"].([]any)) != 1 {
		t.Errorf("%v", def)
	}
	var x struct {
		XMLName xml.Name
		Code    string   `xml:"service_code"`
		Keys    []string `xml:"attributes>attribute>values>value>key"`
	}
	if err := xml.Unmarshal(b.ask("GET", "services/CG02.xml", nil).Body.Bytes(), &x); err != nil || x.XMLName.Local != "service_definition" || len(x.Keys) != 2 {
		t.Errorf("%+v, %v", x, err)
	}
}

func TestReportAndFollow(t *testing.T) {
	b := open(t)
	r := b.post()
	c, events, err := b.pool.Get(t.Context(), r.ID)
	if err != nil || c.State != tasks.Filed || c.Source != "resident" || c.Severity != "major" || events[0].Body.Reporter != "张 三 13800001234 z@example.org" {
		t.Fatalf("%+v, %v", c, err)
	}
	var seen []Request
	b.get("GET", "requests/"+string(r.ID)+".json", nil, 200, &seen)
	want := Request{ID: r.ID, Status: "open", Notes: "已受理", ServiceName: "暴露垃圾", ServiceCode: "CG02", Agency: "环卫 SAN",
		Requested: "2026-11-23T10:00:00+08:00", Updated: "2026-11-23T10:00:00+08:00", Lat: 30.27, Lon: 120.16}
	if len(seen) != 1 || seen[0] != want {
		t.Errorf("%+v\nwant\n%+v", seen, want)
	}
	for _, path := range []string{"requests.json", "requests.xml", "requests/" + string(r.ID) + ".xml", "requests.json?service_request_id=" + string(r.ID)} {
		said := b.ask("GET", path, nil).Body.String()
		for _, personal := range []string{"张", "13800001234", "example.org", "5幢", "30.2704", "alert", r.Token} {
			if strings.Contains(said, personal) {
				t.Errorf("%s shows %q to everybody", path, personal)
			}
		}
		if !strings.Contains(said, string(r.ID)) {
			t.Errorf("%s does not list the request: %s", path, said)
		}
	}
	var of []Receipt
	b.get("GET", "tokens/"+r.Token+".json", nil, 200, &of)
	if len(of) != 1 || of[0].ID != r.ID {
		t.Errorf("%+v", of)
	}
	var p Progress
	b.get("GET", "follow/"+strings.ToLower(r.Token)+".json", nil, 200, &p)
	if p.Said != "楼下垃圾<script>alert(1)</script>\n地址：南埠5幢" || p.Request.Lat != 30.270412 || p.Number != c.Number || p.MayReopen || len(p.Steps) != 3 {
		t.Errorf("%+v", p)
	}
	if x := b.ask("GET", "follow/"+r.Token+".xml", nil).Body.String(); strings.Contains(x, "<script>") || !strings.Contains(x, "&lt;script&gt;") {
		t.Errorf("script is not inert: %s", x)
	}
}

func TestReopen(t *testing.T) {
	b := open(t)
	r := b.post()
	desk := identity.Principal{Account: "desk", Person: "p-1", Roles: []identity.Role{identity.Dispatcher, identity.Checker}}
	worker := identity.Principal{Account: "w", Person: "p-2", Roles: []identity.Role{identity.Handler}}
	do := func(who identity.Principal, steps ...tasks.EventType) {
		t.Helper()
		for _, s := range steps {
			b.n++
			if _, err := b.pool.Do(t.Context(), who, tasks.Command{ID: fmt.Sprintf("command-%d", b.n), Case: r.ID, Type: s, Assignee: "p-2", At: telemetry.At(b.now)}); err != nil {
				t.Fatal(err)
			}
		}
	}
	words := url.Values{"description": {"还在那里"}}
	var faults []Fault
	b.get("POST", "follow/"+r.Token+".json", words, 409, &faults)
	for n := range tasks.ReopenTimes {
		do(desk, tasks.Dispatched)
		do(worker, tasks.Accepted, tasks.Onscene, tasks.Claimed)
		do(desk, tasks.Checked, tasks.Closed)
		b.now = b.now.Add(time.Hour)
		var p Progress
		b.get("GET", "follow/"+r.Token+".json", nil, 200, &p)
		if !p.MayReopen || p.Request.Status != "closed" {
			t.Fatalf("round %d: %+v", n, p)
		}
		b.get("POST", "follow/"+r.Token+".json", words, 201, &p)
		if p.Request.Status != "open" || p.MayReopen {
			t.Errorf("round %d, reopened: %+v", n, p)
		}
	}
	do(desk, tasks.Dispatched)
	do(worker, tasks.Accepted, tasks.Onscene, tasks.Claimed)
	do(desk, tasks.Checked, tasks.Closed)
	b.now = b.now.Add(time.Hour)
	b.get("POST", "follow/"+r.Token+".json", words, 409, &faults)
	b.get("POST", "follow/WRONG.json", words, 404, &faults)
}

func TestAFollowerOfAMergedCaseSeesTheOther(t *testing.T) {
	b := open(t)
	first, second := b.post(), b.post()
	desk := identity.Principal{Account: "desk", Roles: []identity.Role{identity.Dispatcher}}
	if _, err := b.pool.Merge(t.Context(), desk, tasks.Merge{ID: "merge-0001", Keep: first.ID, Drop: second.ID}); err != nil {
		t.Fatal(err)
	}
	var p Progress
	b.get("GET", "follow/"+second.Token+".json", nil, 200, &p)
	if p.Request.ID != first.ID || p.Request.Status != "open" {
		t.Errorf("%+v", p)
	}
}

func TestBadRequestsAreExplained(t *testing.T) {
	b := open(t)
	change := func(k, v string) url.Values {
		out := url.Values{}
		for key, val := range report {
			out[key] = val
		}
		out.Set(k, v)
		return out
	}
	noPlace := change("lat", "")
	noPlace.Del("long")
	noPlace.Set("address_string", "somewhere")
	for name, tt := range map[string]struct {
		method, path string
		form         url.Values
		status       int
		want         string
	}{
		"unknown service": {"POST", "requests.json", change("service_code", "XX"), 400, "service_code"},
		"private service": {"POST", "requests.json", change("service_code", "SZ07"), 400, "service_code"},
		"no place":        {"POST", "requests.json", noPlace, 400, "lat and long"},
		"bad place":       {"POST", "requests.json", change("lat", "north"), 400, "WGS-84"},
		"long words":      {"POST", "requests.json", change("description", strings.Repeat("好", maxWords+1)), 400, "at most 3000"},
		"huge form":       {"POST", "requests.json", change("description", strings.Repeat("x", maxBody)), 400, "64 KiB"},
		"bad date":        {"GET", "requests.json?start_date=yesterday", nil, 400, "start_date"},
		"long span":       {"GET", "requests.json?start_date=2026-01-01T00:00:00Z&end_date=2026-11-01T00:00:00Z", nil, 400, "90 days"},
		"no such request": {"GET", "requests/c-none.json", nil, 404, "no such request"},
		"no such token":   {"GET", "tokens/c-none.json", nil, 404, "token"},
		"private def":     {"GET", "services/SZ07.json", nil, 404, "service_code"},
	} {
		b.now = b.now.Add(time.Hour) // a new allowance
		var faults []Fault
		b.get(tt.method, tt.path, tt.form, tt.status, &faults)
		if len(faults) != 1 || faults[0].Code != tt.status || !strings.Contains(faults[0].Description, tt.want) {
			t.Errorf("%s: %+v", name, faults)
		}
	}
	if w := b.ask("GET", "requests/c-none", nil); w.Code != 400 || !strings.Contains(w.Body.String(), "<errors><error><code>400</code>") {
		t.Errorf("no format: %d %s", w.Code, w.Body)
	}
}

func TestTheListIsFiltered(t *testing.T) {
	b := open(t)
	r := b.post()
	for query, n := range map[string]int{
		"": 1, "status=open": 1, "status=closed": 0, "status=open,closed": 1, "service_code=CG02": 1, "service_code=SZ07": 0,
		"start_date=2026-11-23T02:00:00Z": 1, "start_date=2026-11-23T02:00:01Z": 0, "end_date=2026-11-23T01:59:59Z": 0, "end_date=2026-11-23T02:00:00Z": 1,
		"service_request_id=c-none," + string(r.ID): 1,
	} {
		b.now = time.Date(2026, 11, 23, 11, 0, 0, 0, zone)
		var list []Request
		b.get("GET", "requests.json?"+query, nil, 200, &list)
		if len(list) != n {
			t.Errorf("%s: %d, want %d", query, len(list), n)
		}
	}
}

func TestEachAddressHasAnAllowance(t *testing.T) {
	b := open(t)
	for range 5 {
		b.post()
	}
	w := b.ask("POST", "requests.json", report)
	if w.Code != 429 || w.Header().Get("Retry-After") != "120" {
		t.Errorf("the sixth: %d, again after %q", w.Code, w.Header().Get("Retry-After"))
	}
	b.from = "198.51.100.8:1"
	b.post()
	b.from, b.now = "198.51.100.7:5001", b.now.Add(2*time.Minute)
	b.post()
	if w := b.ask("POST", "requests.json", report); w.Code != 429 {
		t.Errorf("one more came back, not two: %d", w.Code)
	}
}
