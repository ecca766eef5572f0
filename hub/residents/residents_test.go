package residents

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"net/netip"
	"strings"
	"testing"
	"time"

	"gridhub/devices/telemetry"
	"gridhub/hub/alike"
	"gridhub/hub/evidence"
	"gridhub/hub/geo"
	"gridhub/hub/identity"
	"gridhub/hub/people"
	"gridhub/hub/store/storetest"
	"gridhub/hub/tasks"
)

var zone = time.FixedZone("CST", 8*3600)

type bench struct {
	t     *testing.T
	now   time.Time
	pool  *tasks.Pool
	store *evidence.Store
	desk  *Desk
	from  netip.Prefix
	n     int
}

func open(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, now: time.Date(2026, 11, 24, 10, 0, 0, 0, zone), from: netip.MustParsePrefix("198.51.100.7/32")}
	matter := func(code, zh, privacy string) tasks.Matter {
		return tasks.Matter{Code: code, Open311: code, Domain: "urban", Privacy: privacy, Name: people.Name{ZH: zh, EN: code}, Lead: "SAN",
			Limits: []tasks.Limit{{Name: "verify", From: tasks.Verifying, Until: tasks.Verified, Kind: tasks.Emergency, Value: "2h"},
				{Name: "handle", From: tasks.Dispatched, Until: tasks.Claimed, Kind: tasks.Emergency, Value: "4h"}}}
	}
	db, now := storetest.Open(t), func() time.Time { return b.now }
	var err error
	b.pool, err = tasks.Open(t.Context(), db, tasks.Options{Matters: []tasks.Matter{matter("CG02", "暴露垃圾", "public"), matter("SZ07", "走访", "restricted")},
		Calendar: tasks.OfficeHours(zone), Now: now})
	if err != nil {
		t.Fatal(err)
	}
	b.store, err = evidence.Open(t.Context(), db, evidence.Config{Folder: t.TempDir(), Zone: zone, Clock: now})
	if err != nil {
		t.Fatal(err)
	}
	b.desk, err = Open(t.Context(), db, b.pool, b.store, alike.New(b.pool, alike.Default(), now), Options{
		Grid:       func(p geo.Point) (string, bool) { return "G01", p.Lat < 31 },
		Collector:  func(context.Context, string) identity.PersonID { return "p-017" },
		Department: func(string) people.Name { return people.Name{ZH: "环境卫生", EN: "Sanitation"} },
		Street:     "澄湾街道", Zone: zone, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

var place = geo.Point{Lon: 120.160487, Lat: 30.270412}

const script = `</p><script>alert(1)</script><img src=x onerror=alert(1)>`

func message() Message {
	return Message{ID: "0123456789abcdef0123456789abcdef", Service: "CG02", Words: "楼下垃圾" + script, Phone: "138 0000 1234", Place: place}
}

func (b *bench) report(m Message) Receipt {
	b.t.Helper()
	r, err := b.desk.Report(b.t.Context(), b.from, m)
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

func (b *bench) follow(code string) Following {
	b.t.Helper()
	p, err := b.desk.Follow(b.t.Context(), b.from, code)
	if err != nil {
		b.t.Fatal(err)
	}
	return p
}

func (b *bench) the(r Receipt) tasks.Case {
	b.t.Helper()
	list, err := b.pool.List(b.t.Context(), tasks.Filter{})
	if err != nil {
		b.t.Fatal(err)
	}
	for _, c := range list {
		if c.Number == r.Number {
			return c
		}
	}
	b.t.Fatalf("no case %s", r.Number)
	return tasks.Case{}
}

// step lets a department do what it does.
func (b *bench) step(c tasks.Case, steps ...tasks.EventType) {
	b.t.Helper()
	for _, s := range steps {
		b.now = b.now.Add(10 * time.Minute)
		b.n++
		e := tasks.Event{Type: s, At: telemetry.At(b.now), By: "li.si", Person: "p-017", Why: "李四说"}
		if s == tasks.Dispatched {
			e.Body = tasks.Body{Department: "SAN", Assignee: "p-017"}
		}
		if _, err := b.pool.Add(b.t.Context(), c.ID, fmt.Sprint("step", b.n), e); err != nil {
			b.t.Fatal(err)
		}
	}
}

func photo(shade uint8, extra string) []byte {
	img := image.NewRGBA(image.Rect(0, 0, 64, 48))
	for i := range 64 * 48 {
		img.Set(i%64, i/64, color.RGBA{uint8(i) ^ shade, uint8(i >> 4), shade, 255})
	}
	var out bytes.Buffer
	_ = jpeg.Encode(&out, img, nil)
	if extra == "" {
		return out.Bytes()
	}
	segment := append([]byte{0xff, 0xe1, 0, 0}, "Exif\x00\x00"+extra...)
	binary.BigEndian.PutUint16(segment[2:], uint16(len(segment)-2))
	return append(append([]byte{0xff, 0xd8}, segment...), out.Bytes()[2:]...)
}

// A resident reports, follows, rates, and has it opened again; nobody's name is
// told, neither who works on it nor who else reported it.
func TestAResidentFollowsByACode(t *testing.T) {
	b := open(t)
	r := b.report(message())
	if again := b.report(message()); again != r || len(r.Code) != 14 {
		t.Fatalf("a repeat: %+v, then %+v", r, again)
	}
	c := b.the(r)
	if c.State != tasks.Verifying || c.Assignee != "p-017" || c.Source != "resident" || c.Grid != "G01" {
		t.Fatalf("%+v", c)
	}
	p := b.follow(strings.ReplaceAll(r.Code, " ", "－"))
	if p.Stage != "verifying" || p.Said != message().Words || p.Expected != telemetry.At(b.now.Add(2*time.Hour)) || p.MayRate || p.ReopenUntil != 0 {
		t.Errorf("%+v", p)
	}
	if _, err := b.desk.Rate(t.Context(), b.from, r.Code, true, ""); err == nil {
		t.Error("rated what is not done")
	}
	b.step(c, tasks.Verified, tasks.Filed, tasks.Dispatched)
	if p = b.follow(r.Code); p.Stage != "sent" || p.Expected != telemetry.At(b.now.Add(4*time.Hour)) {
		t.Errorf("%+v", p)
	}
	after, err := b.store.Put(t.Context(), evidence.Meta{Case: c.ID, Kind: "photo-after", By: "p-017", At: telemetry.At(b.now), Caption: []string{"李四 p-017"}}, bytes.NewReader(photo(9, "owner Li Si 30.270412N")))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.pool.Add(t.Context(), c.ID, "after", tasks.Event{Type: tasks.Evidence, By: "li.si", Body: tasks.Body{Evidence: after.Hash, Kind: "photo-after"}}); err != nil {
		t.Fatal(err)
	}
	b.step(c, tasks.Onscene, tasks.Claimed)
	if p = b.follow(r.Code); p.Stage != "checking" || len(p.Finished) != 0 {
		t.Errorf("before the check: %+v", p)
	}
	b.step(c, tasks.Checked, tasks.Closed)
	p = b.follow(r.Code)
	if p.Stage != "done" || len(p.Finished) != 1 || !p.MayRate || p.ReopenUntil == 0 {
		t.Errorf("done: %+v", p)
	}
	b.silent(p, "李四", "li.si", "p-017", "1380", "138 0")
	f, err := b.desk.Photo(t.Context(), b.from, r.Code, after.Hash)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if shown, _ := io.ReadAll(f); bytes.Contains(shown, []byte("Exif")) || bytes.Contains(shown, []byte("Li Si")) || len(shown) == 0 {
		t.Error("the public photo carries what the camera wrote")
	}
	if p, err = b.desk.Rate(t.Context(), b.from, r.Code, false, script); err != nil || p.Rated != Unsatisfied || p.MayRate {
		t.Errorf("%+v, %v", p, err)
	}
	if p, err = b.desk.Rate(t.Context(), b.from, r.Code, true, ""); err != nil || p.Rated != Unsatisfied {
		t.Errorf("rated twice: %+v, %v", p, err)
	}
	for range 2 {
		if p, err = b.desk.Reopen(t.Context(), b.from, r.Code, "phone-made-1", "还有一袋"); err != nil || p.Stage != "queued" || p.Steps[len(p.Steps)-1].Step != "reopened" {
			t.Errorf("%+v, %v", p, err)
		}
	}
}

// silent fails where a progress says what it must not.
func (b *bench) silent(p Following, words ...string) {
	b.t.Helper()
	said, _ := json.Marshal(p)
	for _, w := range words {
		if strings.Contains(string(said), w) {
			b.t.Errorf("%q is told: %s", w, said)
		}
	}
}

// Who reports what somebody else reported follows the same case, and learns
// neither the words nor the photos nor the place of the first.
func TestASecondReporterFollowsWithoutLearningOfTheFirst(t *testing.T) {
	b := open(t)
	first := b.report(message())
	if err := b.desk.AddPhoto(t.Context(), b.from, first.Code, 0, bytes.NewReader(photo(1, ""))); err != nil {
		t.Fatal(err)
	}
	near, err := b.desk.Nearby(t.Context(), b.from, "CG02", geo.Point{Lon: place.Lon + 0.0004, Lat: place.Lat})
	if err != nil || len(near) != 1 || near[0].Within != 100 {
		t.Fatalf("%+v, %v", near, err)
	}
	if said, _ := json.Marshal(near); strings.Contains(string(said), "楼下") || strings.Contains(string(said), "120.16") || strings.Contains(string(said), "138") {
		t.Errorf("nearby tells too much: %s", said)
	}
	m := message()
	m.ID, m.Words, m.Phone, m.SameAs = "fedcba9876543210fedcba9876543210", "我也看到了", "", near[0].Case
	second := b.report(m)
	if second.Number != first.Number || second.Code == first.Code {
		t.Fatalf("%+v %+v", first, second)
	}
	p := b.follow(second.Code)
	if !p.Follows || p.Said != "" || len(p.Photos) != 0 {
		t.Errorf("%+v", p)
	}
	b.silent(p, "楼下", "1380", "30.27")
	own := b.follow(first.Code)
	b.silent(own, "我也看到了")
	if _, err := b.desk.Photo(t.Context(), b.from, second.Code, own.Photos[0]); !errors.Is(err, tasks.ErrNotFound) {
		t.Errorf("the second saw the first's photo: %v", err)
	}
	if m.SameAs, m.ID = "c-0000", "00112233445566778899"; refusedAs(b.desk.Report(t.Context(), b.from, m)) != "gone" {
		t.Error("followed what there is not")
	}
}

func refusedAs(_ any, err error) string {
	var r *tasks.RefusedError
	if errors.As(err, &r) {
		return r.Code
	}
	return fmt.Sprint(err)
}

func TestWhatIsNoReportIsRefusedInFewWords(t *testing.T) {
	b := open(t)
	for want, change := range map[string]func(*Message){
		"service": func(m *Message) { m.Service = "SZ07" }, "words": func(m *Message) { m.Words = strings.Repeat("圾", MaxWords+1) },
		"phone": func(m *Message) { m.Phone = "<script>" }, "outside": func(m *Message) { m.Place.Lat = 48 },
	} {
		m := message()
		change(&m)
		if got := refusedAs(b.desk.Report(t.Context(), b.from, m)); got != want {
			t.Errorf("%s: %s", want, got)
		}
	}
	m := message()
	m.Danger = true
	if c := b.the(b.report(m)); c.State != tasks.Reported || c.Severity != "major" {
		t.Errorf("danger waits for nobody: %+v", c)
	}
	if got := Plain(" a\u202eb\x00c\xff\u200b\n d\t"); got != "abc\n d" {
		t.Errorf("%q", got)
	}
}

// bomb is a small PNG that claims to be 30,000 pixels square.
func bomb() []byte {
	ihdr := []byte("IHDR\x00\x00\x75\x30\x00\x00\x75\x30\x08\x06\x00\x00\x00")
	out := append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0d"), ihdr...)
	return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(ihdr))
}

func TestPhotosThatAreNone(t *testing.T) {
	b := open(t)
	r := b.report(message())
	huge := append(photo(3, ""), make([]byte, MaxPhoto)...)
	for want, body := range map[string][]byte{
		"photo-none": []byte("%PDF-1.7 script"), "photo-large": huge, "photo-broken": bomb(), "": photo(1, "owner"),
	} {
		err := b.desk.AddPhoto(t.Context(), b.from, r.Code, 0, bytes.NewReader(body))
		if got := refusedAs(nil, err); got != want && !(want == "" && err == nil) {
			t.Errorf("%s: %v", want, err)
		}
	}
	if got := refusedAs(nil, b.desk.AddPhoto(t.Context(), b.from, r.Code, 0, strings.NewReader("\xff\xd8\xff no picture"))); got != "photo-broken" {
		t.Error(got)
	}
	for i := range MaxPhotos - 1 {
		if err := b.desk.AddPhoto(t.Context(), b.from, r.Code, 0, bytes.NewReader(photo(uint8(40*i+20), ""))); err != nil {
			t.Fatal(err)
		}
	}
	if got := refusedAs(nil, b.desk.AddPhoto(t.Context(), b.from, r.Code, 0, bytes.NewReader(photo(200, "")))); got != "photo-many" {
		t.Error(got)
	}
	if n := len(b.the(r).Evidence); n != MaxPhotos {
		t.Errorf("%d photos on the case", n)
	}
}

func TestAllowances(t *testing.T) {
	b := open(t)
	var limited *LimitedError
	r := b.report(message())
	reports := 0
	for ; reports < 100; reports++ {
		if _, err := b.desk.Report(t.Context(), b.from, message()); errors.As(err, &limited) {
			break
		}
	}
	if reports > 10 || limited == nil || limited.Wait <= 0 {
		t.Errorf("%d reports from one network", reports)
	}
	guesses, elsewhere := 0, netip.MustParsePrefix("203.0.113.9/32")
	for ; guesses < 100; guesses++ {
		digits := fmt.Sprintf("%011d", guesses)
		if _, err := b.desk.Follow(t.Context(), elsewhere, digits+string('0'+checkDigit(digits))); !errors.Is(err, tasks.ErrNotFound) {
			break
		}
	}
	if guesses > 10 {
		t.Errorf("%d codes guessed from one network", guesses)
	}
	asked := 0
	for i := range 200 { // from as many networks as one likes
		if _, err := b.desk.Follow(t.Context(), netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, 1, byte(i)}), 32), r.Code); err == nil {
			asked++
		}
	}
	if asked > 60 {
		t.Errorf("one code was asked %d times", asked)
	}
	if got := refusedAs(b.desk.Follow(t.Context(), b.from, "1234 5678 9012")); got != "code" && got != "no such case" {
		t.Error(got)
	}
}

func TestACodeNoticesASlip(t *testing.T) {
	b := open(t)
	for i := range 200 {
		code := b.desk.codeOf(fmt.Sprint("report", i), 0)
		if digitsOf(Spoken(code)) != code {
			t.Fatalf("%s is none", code)
		}
		at := i % codeDigits
		wrong := code[:at] + string('0'+(code[at]-'0'+byte(1+i%9))%10) + code[at+1:]
		if digitsOf(wrong) != "" {
			t.Fatalf("%s was taken for %s", wrong, code)
		}
	}
}
