package hotline_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"gridhub/configs"
	"gridhub/devices/telemetry"
	"gridhub/hub/geo"
	"gridhub/hub/hotline"
	"gridhub/hub/identity"
	"gridhub/hub/people"
	"gridhub/hub/sheets"
	"gridhub/hub/store"
	"gridhub/hub/store/storetest"
	"gridhub/hub/tasks"

	"golang.org/x/text/encoding/simplifiedchinese"
)

var (
	zone   = time.FixedZone("CST", 8*3600)
	now    = time.Date(2026, 11, 23, 10, 0, 0, 0, zone)
	center = geo.Point{Lon: 120.16, Lat: 30.27}
	wharf  = geo.Point{Lon: 120.147, Lat: 30.268}
	taker  = identity.Principal{Account: "desk", Roles: []identity.Role{identity.CallTaker}}
)

func TestTheShippedFileIsTheDefault(t *testing.T) {
	var got hotline.Config
	if err := configs.ReadFile("../../configs/hotline.yaml", &got); err != nil {
		t.Fatal(err)
	}
	if want := hotline.Default(); !reflect.DeepEqual(got, want) {
		t.Errorf("configs/hotline.yaml decodes to\n%+v\nDefault is\n%+v", got, want)
	}
}

func TestMistakesInTheMappingHavePlaces(t *testing.T) {
	got := hotline.Default()
	err := configs.Decode("h.yaml", []byte("columns:\n  order: []\n  text: [诉求内容]\n  name: [诉求内容]\nseverity: {urgent: [急]}\ncoordinates: gps\ntimes: [today]\n"), &got)
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{"columns.order", "h.yaml:4:", "text has it already", "severity.urgent", "h.yaml:6:14: coordinates: gps", "times"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in\n%v", want, err)
		}
	}
}

func matters() []tasks.Matter {
	m := func(code, zh string, words ...string) tasks.Matter {
		return tasks.Matter{Code: code, Domain: "urban", Privacy: "public", Name: people.Name{ZH: zh, EN: code}, Lead: "UM", Keywords: words}
	}
	return []tasks.Matter{m("CG02", "暴露垃圾", "垃圾", "脏乱"), m("CG09", "路灯绿化设施损坏", "路灯")}
}

// failing breaks after some reports, as a hub that is killed does.
type failing struct {
	*tasks.Pool
	left int
}

var errKilled = errors.New("killed")

func (f *failing) Report(ctx context.Context, who identity.Principal, r tasks.Report) (tasks.Case, error) {
	if f.left == 0 {
		return tasks.Case{}, errKilled
	}
	f.left--
	return f.Pool.Report(ctx, who, r)
}

type bench struct {
	*hotline.Importer
	t    *testing.T
	pool *failing
	db   *store.DB
	dir  string
}

func open(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, db: storetest.Open(t), dir: filepath.Join(t.TempDir(), "hotline")}
	pool, err := tasks.Open(t.Context(), b.db, tasks.Options{Matters: matters(), Calendar: tasks.OfficeHours(zone), Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	b.pool = &failing{Pool: pool, left: -1}
	b.restart()
	return b
}

func (b *bench) restart() {
	b.t.Helper()
	var err error
	b.Importer, err = hotline.Open(b.t.Context(), b.db, b.pool, hotline.Options{Config: hotline.Default(), Limits: sheets.Default(), Folder: b.dir,
		Zone: zone, Center: center, Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler),
		Locate: func(grid, address string) (geo.Point, string, bool) {
			return wharf, "G01", grid == "G01" || strings.Contains(address, "南埠")
		}})
	if err != nil {
		b.t.Fatal(err)
	}
}

// run imports a file to its end.
func (b *bench) run(data []byte) hotline.Import {
	b.t.Helper()
	i, err := b.Start(b.t.Context(), taker, "十一月.csv", data)
	if err == nil {
		err = b.Work(b.t.Context())
	}
	if err == nil {
		i, err = b.Get(b.t.Context(), i.ID)
	}
	if err != nil {
		b.t.Fatal(err)
	}
	return i
}

func (b *bench) cases() []tasks.Case {
	b.t.Helper()
	list, err := b.pool.List(b.t.Context(), tasks.Filter{Limit: 5000})
	if err != nil {
		b.t.Fatal(err)
	}
	return list
}

const good = `12345 工单导出
工单编号,来电时间,来电人,联系电话,事发地址,诉求内容,紧急程度
H-001,2026-11-22 08:30:00,张三,13800001234,南埠网格5幢,楼下垃圾两天没人清运,紧急
H-002,2026/11/22 9:05,,,,路灯不亮,一般
`

func TestAFileBecomesCases(t *testing.T) {
	b := open(t)
	gb, err := simplifiedchinese.GB18030.NewEncoder().Bytes([]byte(good))
	if err != nil {
		t.Fatal(err)
	}
	if i := b.run(gb); i.Made != 2 || i.Rejected != 0 || i.Finished == 0 || i.Rows != 2 {
		t.Fatalf("%+v", i)
	}
	c, events, err := b.pool.Get(t.Context(), tasks.CaseFor("hotline-H-001"))
	if err != nil {
		t.Fatal(err)
	}
	if c.Matter != "CG02" || c.Source != "hotline" || c.Severity != "major" || c.Grid != "G01" || c.Place != wharf ||
		!c.Reported.Time().Equal(time.Date(2026, 11, 22, 8, 30, 0, 0, zone)) {
		t.Errorf("%+v", c)
	}
	first := events[0].Body
	if first.Reporter != "张三 13800001234" || !strings.Contains(first.Text, "5幢") || first.Private["reporter"] == "" {
		t.Errorf("%+v", first)
	}
	canonical, err := b.pool.Canonical(t.Context(), c.ID)
	if err != nil {
		t.Fatal(err)
	}
	for _, personal := range []string{"张三", "13800001234", "5幢", "清运"} {
		if bytes.Contains(bytes.Join(canonical, nil), []byte(personal)) {
			t.Errorf("%s stands where it cannot be erased", personal)
		}
	}
	if left, err := os.ReadDir(b.dir); err != nil || len(left) != 0 {
		t.Errorf("files left behind: %v, %v", left, err)
	}
}

func TestTheSameFileTwiceMakesNothingTwice(t *testing.T) {
	b := open(t)
	b.run([]byte(good))
	if i := b.run([]byte("\ufeff" + good)); i.Made != 0 || i.Known != 2 || len(b.cases()) != 2 {
		t.Errorf("%+v, %d cases", i, len(b.cases()))
	}
	if i := b.run([]byte("工单编号,诉求内容\nH-009,垃圾\nH-009,垃圾\n")); i.Made != 1 || i.Known != 1 {
		t.Errorf("the same number twice in one file: %+v", i)
	}
}

func TestEveryRejectedRowIsListed(t *testing.T) {
	b := open(t)
	i := b.run([]byte("工单编号,来电时间,诉求内容,网格,经度,紧急程度\n" +
		"1,昨天,垃圾,G01,120.1,一般\n" + // 2
		",2026-11-22,垃圾,,,\n" + // 3
		"3,2027-11-22,垃圾,,,\n" + // 4
		"4,,楼上太吵,,,\n" + // 5
		"5,,垃圾,G99,,\n" + // 6
		"6,,垃圾,,一百,不急\n" + // 7
		"7,,<script>alert(1)</script>垃圾 =cmd|' /C calc'!A0,,,\n" + // 8: inert text, a good row
		"8,,\"垃圾\n"))
	if i.Made != 1 || i.Rejected != 7 || i.Done != 8 {
		t.Errorf("%+v", i)
	}
	faults, err := b.Faults(t.Context(), i.ID)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range faults {
		got = append(got, fmt.Sprintf("%d %s %s", f.Row, f.Column, f.Value))
	}
	want := []string{"2 来电时间 昨天", "3 工单编号 ", "4 来电时间 2027-11-22 00:00:00", "5 matter ", "6 网格 G99", "7 紧急程度 不急", "7 经度 一百", "9  8, "}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("faults\n%q, want\n%q", got, want)
	}
	for _, f := range faults {
		if f.Want == "" {
			t.Errorf("%+v says nothing of what was wanted", f)
		}
	}
	if s := hotline.Sheet(faults); len(s.Rows) != len(faults) || len(s.Rows[0]) != len(s.Head) {
		t.Errorf("sheet: %+v", s)
	}
}

func TestAFileThatIsNone(t *testing.T) {
	b := open(t)
	for name, tt := range map[string]struct{ data, want string }{
		"no headings": {"a,b\n1,2\n", "工单编号"}, "empty": {"", "工单编号"}, "no text": {"工单编号,电话\n1,2\n", "诉求内容"},
		"no workbook": {"PK\x03\x04xx", "XLSX"},
	} {
		var refused *tasks.RefusedError
		if _, err := b.Start(t.Context(), taker, name, []byte(tt.data)); !errors.As(err, &refused) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestACrashAtAnyRowResumes kills the pool after each number of rows: the
// import goes on, makes each case once, and its counts are those of a run that
// nothing interrupted.
func TestACrashAtAnyRowResumes(t *testing.T) {
	var file strings.Builder
	file.WriteString("工单编号,诉求内容\n")
	for n := range 250 {
		what := "垃圾"
		if n%10 == 7 {
			what = "别的"
		}
		fmt.Fprintf(&file, "N%03d,%s\n", n, what)
	}
	for _, after := range []int{0, 1, 89, 90, 91, 224} {
		b := open(t)
		b.pool.left = after
		i, err := b.Start(t.Context(), taker, "x.csv", []byte(file.String()))
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Work(t.Context()); !errors.Is(err, errKilled) {
			t.Fatalf("after %d: %v", after, err)
		}
		b.pool.left = -1
		b.restart()
		if same, err := b.Start(t.Context(), taker, "x.csv", []byte(file.String())); err != nil || same.ID != i.ID || same.Error == "" {
			t.Errorf("the same file while it is under way: %+v, %v", same, err)
		}
		if err := b.Work(t.Context()); err != nil {
			t.Fatal(err)
		}
		i, err = b.Get(t.Context(), i.ID)
		faults, err2 := b.Faults(t.Context(), i.ID)
		if err := errors.Join(err, err2); err != nil || i.Made != 225 || i.Known != 0 || i.Rejected != 25 || i.Done != 250 || i.Error != "" {
			t.Errorf("after %d: %+v, %v", after, i, err)
		}
		if len(b.cases()) != 225 || len(faults) != 25 {
			t.Errorf("after %d: %d cases, %d faults", after, len(b.cases()), len(faults))
		}
	}
}

func TestXLSXWithDatesOfExcel(t *testing.T) {
	var x bytes.Buffer
	if err := sheets.WriteXLSX(&x, sheets.Sheet{Name: "工单", Head: []string{"工单编号", "诉求内容", "来电时间"},
		Rows: [][]any{{20261122000123, "垃圾", 46348.354166667}}}); err != nil {
		t.Fatal(err)
	}
	b := open(t)
	if i := b.run(x.Bytes()); i.Made != 1 {
		t.Fatalf("%+v", i)
	}
	c, _, err := b.pool.Get(t.Context(), tasks.CaseFor("hotline-20261122000123"))
	if err != nil || !c.Reported.Time().Equal(time.Date(2026, 11, 22, 8, 30, 0, 0, zone)) {
		t.Errorf("%v, %v", c.Reported.Time(), err)
	}
}

func TestProgramsSendOrders(t *testing.T) {
	b := open(t)
	orders := []hotline.Order{{Number: "P-1", Text: "垃圾", Matter: "CG09"}, {Number: "P-2", Text: "?"}, {Number: "P-1", Text: "垃圾"}}
	for round := range 2 {
		res, err := b.Take(t.Context(), taker, orders)
		if err != nil || len(res) != 3 || res[0].Case == "" || res[0].Known != (round == 1) || len(res[1].Faults) != 1 || !res[2].Known || res[2].Case != res[0].Case {
			t.Errorf("round %d: %+v, %v", round, res, err)
		}
	}
	if list := b.cases(); len(list) != 1 || list[0].Matter != "CG09" || list[0].Reported != telemetry.At(now) || list[0].Place != center {
		t.Errorf("%+v", list)
	}
	if _, err := b.Get(t.Context(), "nothing"); !errors.Is(err, hotline.ErrNotFound) {
		t.Errorf("an import that is none: %v", err)
	}
}
