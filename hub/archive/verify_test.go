package archive

import (
	"archive/zip"
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"
)

// sealedCase is one sealed file and who vouches for it.
func sealedCase(t *testing.T) (*street, []byte) {
	s := newStreet(t)
	s.must(s.archive.Seal(t.Context(), s.archived("call-0000")))
	id := s.archived("call-0001")
	s.must(s.archive.Seal(t.Context(), id))
	return s, s.file(id, 1)
}

// TestEveryByteCounts flips each byte of a sealed file and of a redacted one. Each flip is found, in the entry or the record that it hit, and
// within events in the very event.
func TestEveryByteCounts(t *testing.T) {
	s, whole := sealedCase(t)
	id := s.archived("call-0002")
	s.must(s.archive.Seal(t.Context(), id))
	for name, file := range map[string][]byte{"whole": whole, "redacted": s.read(id, 1, Cut{Fields: []string{"text", "reporter"}, Evidence: true})} {
		t.Run(name, func(t *testing.T) { flipAll(t, file, s.trust()) })
	}
}

func flipAll(t *testing.T, file []byte, trust Trust) {
	if r := verify(file, trust); !r.OK() {
		t.Fatalf("untouched: %+v", r.Faults)
	}
	file = slices.Clone(file)
	c, _ := unpack(bytes.NewReader(slices.Clone(file)), int64(len(file)))
	events := lineEnds(c)
	for i := range file {
		mask := []byte{0x01, 0x20, 0xff}[i%3]
		file[i] ^= mask
		r := verify(file, trust)
		if !located(r, c, int64(i)) {
			t.Fatalf("byte %d ^ %#x: faults %+v do not show the place", i, mask, r.Faults)
		}
		if e := eventAt(events, int64(i)); e != 0 && !slices.ContainsFunc(r.Faults, func(f Fault) bool { return f.Event == e }) {
			t.Fatalf("byte %d ^ %#x lies in event %d: faults %+v do not name it", i, mask, e, r.Faults)
		}
		file[i] ^= mask
	}
}

// located reports whether a fault names the bytes around at, or the entry that
// they belong to.
func located(r *Report, c *container, at int64) bool {
	return slices.ContainsFunc(r.Faults, func(f Fault) bool {
		if f.To != 0 {
			return f.From <= at && at < f.To
		}
		i := c.find(f.Entry)
		return i >= 0 && c.slots[i].header <= at && at < c.slots[i].end()
	})
}

// lineEnds are where the events' lines end in the file, the first being where
// they begin.
func lineEnds(c *container) []int64 {
	at := c.slots[0].data()
	out := []int64{at}
	for _, l := range linesOf(c.read(eventsName)) {
		at += int64(len(l)) + 1
		out = append(out, at)
	}
	return out
}

func eventAt(ends []int64, at int64) uint64 {
	for i := 1; i < len(ends); i++ {
		if at >= ends[i-1] && at < ends[i] {
			return uint64(i)
		}
	}
	return 0
}

// TestAnotherSelectionOfEntries packs a sealed case again with its entries
// swapped, removed, repeated, renamed, added or replaced: the container is
// sound each time, and the case is not.
func TestAnotherSelectionOfEntries(t *testing.T) {
	s, file := sealedCase(t)
	c, _ := unpack(bytes.NewReader(file), int64(len(file)))
	var all []entry
	for i := range c.slots {
		all = append(all, c.entry(i))
	}
	again := func(list []entry) *Report {
		var b bytes.Buffer
		s.must(pack(&b, list))
		return verify(b.Bytes(), s.trust())
	}
	if r := again(all); !r.OK() {
		t.Fatalf("packed again: %+v", r.Faults)
	}
	for i, e := range all {
		if r := again(slices.Delete(slices.Clone(all), i, i+1)); !names(r, e.name) {
			t.Errorf("without %s: %+v", e.name, r.Faults)
		}
		if r := again(append(slices.Clone(all), e)); !names(r, e.name) {
			t.Errorf("%s twice: %+v", e.name, r.Faults)
		}
		bent := slices.Clone(all)
		bent[i] = held(e.name, append([]byte("0"), c.read(e.name)...))
		if r := again(bent); r.OK() {
			t.Errorf("%s replaced, with right sums in the container: no fault", e.name)
		}
		bent[i] = held(e.name, nil)
		if r := again(bent); r.OK() {
			t.Errorf("%s emptied: no fault", e.name)
		}
		bent[i] = entry{"x" + e.name, e.size, e.open}
		if r := again(bent); !names(r, e.name) {
			t.Errorf("%s renamed: %+v", e.name, r.Faults)
		}
		for j := range i {
			bent := slices.Clone(all)
			bent[i], bent[j] = bent[j], bent[i]
			if r := again(bent); !names(r, e.name) {
				t.Errorf("%s and %s swapped: %+v", e.name, all[j].name, r.Faults)
			}
			bent[i].name, bent[j].name = bent[j].name, bent[i].name
			if r := again(bent); r.OK() {
				t.Errorf("contents of %s and %s swapped: no fault", e.name, all[j].name)
			}
		}
	}
	if r := again(append(slices.Clone(all), held("evidence/note.txt", []byte("x")))); !names(r, "evidence/note.txt") {
		t.Errorf("an entry added: %+v", r.Faults)
	}
}

func names(r *Report, entry string) bool {
	return slices.ContainsFunc(r.Faults, func(f Fault) bool { return f.Entry == entry })
}

// TestEntriesThatShareBytes gives the verifier a directory of many entries that
// all are the same bytes, behind headers that lead nowhere.
func TestEntriesThatShareBytes(t *testing.T) {
	data := bytes.Repeat([]byte("x"), 1<<20)
	b := append(slot{name: "a", size: int64(len(data))}.local(), data...)
	b[0] = 'X'
	from := len(b)
	const n = 60_000
	for range n {
		b = append(b, slot{name: "a", size: int64(len(data))}.central()...)
	}
	b = append(b, ending(n, int64(from), int64(len(b)-from))...)
	c, faults := unpack(bytes.NewReader(b), int64(len(b)))
	if verify(b, Trust{}).OK() {
		t.Error("it is sound")
	}
	if len(faults) == 0 || len(c.sums) != 0 {
		t.Errorf("%d faults after summing %d entries; want it refused unread", len(faults), len(c.sums))
	}
}

func TestWhatIsAroundTheEntries(t *testing.T) {
	s, file := sealedCase(t)
	comment := slices.Clone(file)
	comment[len(comment)-2] = 5
	for name, b := range map[string][]byte{
		"nothing":         {},
		"a trailing byte": append(slices.Clone(file), 0),
		"a comment":       append(comment, "hello"...),
		"bytes before":    append([]byte("MZ"), file...),
		"another file":    []byte("this is no sealed case, and no ZIP file either"),
	} {
		if r := verify(b, s.trust()); r.OK() {
			t.Errorf("%s: no fault", name)
		}
	}
	for _, at := range []int{0, len(file) - endSize, len(file) - endSize + 10, len(file) - endSize + 16} {
		bent := slices.Clone(file)
		bent[0] ^= 1 // neither the entries' own headers nor the directory lead anywhere
		bent[at] ^= 0x80
		if r := verify(bent, s.trust()); r.OK() {
			t.Errorf("headers and directory damaged at %d: no fault", at)
		}
	}
	for n := range file {
		if r := verify(file[:n], s.trust()); r.OK() {
			t.Fatalf("cut after %d bytes: no fault", n)
		}
	}
}

// TestOthersCanReadIt holds the container against another reader of the format.
func TestOthersCanReadIt(t *testing.T) {
	_, file := sealedCase(t)
	z, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	var order []string
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, r); err != nil {
			t.Errorf("%s: %v", f.Name, err)
		}
		order = append(order, f.Name)
	}
	if len(order) != 9 || order[0] != eventsName || order[8] != signedName {
		t.Errorf("entries %v", order)
	}
}

func TestRedactionHidesAndStillProves(t *testing.T) {
	s, _ := sealedCase(t)
	id := s.archived("call-0003")
	s.must(s.archive.Seal(t.Context(), id))
	if whole := string(s.file(id, 1)); !strings.Contains(whole, "13800001111") || !strings.Contains(whole, "吵到凌晨") {
		t.Fatal("the whole seal does not hold the personal values")
	}
	reporter := s.read(id, 1, Cut{Fields: []string{"reporter"}})
	r := verify(reporter, s.trust())
	if !r.OK() || !r.Redacted || len(r.Withheld) != 1 || r.Withheld[0] != (Withheld{Event: 1, Field: "reporter"}) {
		t.Errorf("without the reporter: %+v", r)
	}
	if strings.Contains(string(reporter), "13800001111") || !strings.Contains(string(reporter), "吵到凌晨") {
		t.Error("not exactly the reporter was withheld")
	}
	all := s.read(id, 1, Cut{Fields: PersonalFields, Evidence: true})
	if r = verify(all, s.trust()); !r.OK() || len(r.Withheld) != 6 {
		t.Errorf("without anything personal: %+v", r)
	}
	for _, word := range []string{"13800001111", "吵到凌晨", "满意", "出差", "JFIF"} {
		if strings.Contains(string(all), word) {
			t.Errorf("the redacted seal contains %q", word)
		}
	}
	if err := redact(io.Discard, bytes.NewReader(all), int64(len(all)), Cut{}, zone, 0, s.archive.signer); err == nil {
		t.Error("a redacted copy was redacted once more")
	}
}

func TestTrustNeedsSomething(t *testing.T) {
	s, file := sealedCase(t)
	heads, err := s.archive.Checkpoints(t.Context(), 10)
	s.must(err)
	if _, err := NewTrust("", ""); err == nil {
		t.Error("trust in nothing")
	}
	if _, err := NewTrust("gridhub-archive+00000000+AAAA", ""); err == nil {
		t.Error("trust in a key that is none")
	}
	for i, ok := range []bool{true, false} {
		known, err := NewTrust("", heads[i].Note)
		s.must(err)
		if r := verify(file, known); r.OK() != ok {
			t.Errorf("by checkpoint %d alone: %+v", heads[i].Size, r.Faults)
		}
	}
	if _, err := NewTrust(newStreet(t).archive.PublicKey(), heads[0].Note); err == nil {
		t.Error("a checkpoint that another key signed is trusted")
	}
}

// TestASecondStoryIsFound lets two archives with one key tell different things.
func TestASecondStoryIsFound(t *testing.T) {
	s, one := sealedCase(t)
	s.must(s.db.Migrate(t.Context(), "second", `DELETE FROM archive_seals; DELETE FROM archive_hashes; DELETE FROM archive_checkpoints`))
	heads := verify(one, s.trust())
	s.must(s.archive.Seal(t.Context(), s.archived("call-0100")))
	id := s.archived("call-0101")
	s.must(s.archive.Seal(t.Context(), id))
	other := verify(s.file(id, 1), s.trust())
	if !heads.OK() || !other.OK() {
		t.Fatal("each story by itself is sound")
	}
	Together(s.trust(), []*Report{heads, other})
	if other.OK() || other.Faults[0].Code != BadHistory {
		t.Errorf("two stories: %+v", other.Faults)
	}
}

func TestFaultsAreToldInBothLanguages(t *testing.T) {
	f := Fault{Code: BadEvent, Entry: eventsName, Event: 3, From: 10, To: 20}
	if got := f.Text("en"); got != "an event is not the one that was sealed: entry events.jsonl, event 3, bytes 10 to 19" {
		t.Error(got)
	}
	if got := f.Text("zh"); got != "事件与封存时不一致：条目 events.jsonl，第 3 个事件，字节 10–19" {
		t.Error(got)
	}
}

// FuzzVerify feeds foreign files to the verifier: it never panics, and finds
// no file sound that this archive did not make.
func FuzzVerify(f *testing.F) {
	f.Add([]byte("PK\x03\x04"))
	f.Add(ending(0, 0, 0))
	var b bytes.Buffer
	if err := pack(&b, []entry{held(eventsName, []byte("{}\n")), held(manifestName, []byte("{}\n")), held(statementName, []byte("{}\n")),
		held(proofName, []byte(`{"index":0,"size":1,"hashes":[]}`+"\n")), held(signedName, []byte("gridhub-archive\n1\n\n\n"))}); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	trust, err := NewTrust("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", "")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if verify(data, trust).OK() {
			t.Error("a foreign file is sound")
		}
	})
}
