package audit_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gridhub/devices/telemetry"
	"gridhub/hub/audit"
	"gridhub/hub/store"
	"gridhub/hub/store/storetest"
)

// bench is a log on an empty database whose clock the test turns.
type bench struct {
	*audit.Log
	t    *testing.T
	db   *store.DB
	now  time.Time
	file string
	key  ed25519.PrivateKey
}

func open(t *testing.T) *bench {
	b := &bench{t: t, db: storetest.Open(t), now: time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC),
		file: filepath.Join(t.TempDir(), "audit.head"), key: ed25519.NewKeyFromSeed(make([]byte, 32))}
	log, err := audit.Open(t.Context(), b.db, audit.Options{Now: func() time.Time { return b.now }, Head: b.file, Sign: b.sign, Open: b.read})
	if err != nil {
		t.Fatal(err)
	}
	b.Log = log
	return b
}

func (b *bench) sign(text string) (string, error) {
	return base64.StdEncoding.EncodeToString(ed25519.Sign(b.key, []byte(text))) + "\n" + text, nil
}

func (b *bench) read(signed string) (string, error) {
	sig, text, _ := strings.Cut(signed, "\n")
	raw, err := base64.StdEncoding.Strict().DecodeString(sig)
	if err != nil || !ed25519.Verify(b.key.Public().(ed25519.PublicKey), []byte(text), raw) {
		return "", errors.New("not signed by the key")
	}
	return text, nil
}

// add writes n entries, one each second.
func (b *bench) add(n int) {
	b.t.Helper()
	for i := range n {
		b.now = b.now.Add(time.Second)
		e := audit.Entry{Account: fmt.Sprintf("account-%d", i%3), Person: "p-001", Act: []string{"track.look", "session.begin"}[i%2],
			Subject: fmt.Sprintf("s-%d", i), Reason: "核查<轨迹>", From: "10.0.0.1", Detail: map[string]string{"zone": "a", "kind": "b"}}
		if err := b.Append(b.t.Context(), e); err != nil {
			b.t.Fatal(err)
		}
	}
}

func (b *bench) verify() audit.Report {
	b.t.Helper()
	r, err := b.Verify(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

func (b *bench) export(from telemetry.Millis) []byte {
	b.t.Helper()
	var out bytes.Buffer
	if err := b.Export(b.t.Context(), &out, from); err != nil {
		b.t.Fatal(err)
	}
	return out.Bytes()
}

func (b *bench) examine(file []byte) audit.Report {
	b.t.Helper()
	r, err := audit.Examine(bytes.NewReader(file), b.read)
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

// tamper runs statements behind the log's back.
func (b *bench) tamper(statements ...string) {
	b.t.Helper()
	err := b.db.Write(b.t.Context(), func(tx *store.Tx) error {
		for _, s := range statements {
			if n, err := tx.Exec(b.t.Context(), s); err != nil || n == 0 {
				return fmt.Errorf("%s: %d rows, %w", s, n, err)
			}
		}
		return nil
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

func TestEntriesComeBackAsTheyWereWritten(t *testing.T) {
	b := open(t)
	at := time.Date(2026, 11, 23, 7, 0, 0, 5e6, time.UTC)
	e := audit.Entry{At: at, Account: "chief", Person: "p-001", Act: "track.look", Subject: "p-017",
		Reason: "群众电话 13812345678 反映", From: "10.0.0.9", Detail: map[string]string{"from": "1"}}
	if err := b.Append(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	got, err := b.List(t.Context(), audit.Query{})
	if err != nil || len(got) != 1 {
		t.Fatalf("%+v, %v", got, err)
	}
	r := got[0]
	if r.N != 1 || r.At != telemetry.At(at) || r.Account != "chief" || r.Person != "p-001" || r.Act != "track.look" ||
		r.Subject != "p-017" || r.From != "10.0.0.9" || r.Detail["from"] != "1" || r.Prev != "" {
		t.Errorf("got %+v", r)
	}
	if r.Reason != "群众电话 138****5678 反映" {
		t.Errorf("reason %q: want the telephone number masked", r.Reason)
	}
}

func TestWhatIsNoEntryIsRefused(t *testing.T) {
	b := open(t)
	many := map[string]string{}
	for i := range 17 {
		many[fmt.Sprint(i)] = "x"
	}
	for name, e := range map[string]audit.Entry{
		"nobody":         {Act: "track.look"},
		"one word":       {Account: "a", Act: "look"},
		"a sentence":     {Account: "a", Act: "Looked at it."},
		"many details":   {Account: "a", Act: "track.look", Detail: many},
		"an endless act": {Account: "a", Act: "a." + strings.Repeat("b", 300)},
	} {
		if err := b.Append(t.Context(), e); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	long := audit.Entry{Account: strings.Repeat("号", 100), Act: "session.refuse", Subject: "a\x00b\xff"}
	if err := b.Append(t.Context(), long); err != nil {
		t.Fatalf("what a stranger typed must not fail: %v", err)
	}
	if r := b.verify(); !r.OK() || r.Last != 1 {
		t.Errorf("%+v", r)
	}
}

func TestAnActAndItsEntryHappenTogether(t *testing.T) {
	b, ctx := open(t), t.Context()
	broken := errors.New("the act failed")
	err := b.db.Write(ctx, func(tx *store.Tx) error {
		if err := b.AppendTx(ctx, tx, audit.Entry{Account: "a", Act: "account.put"}); err != nil {
			return err
		}
		if err := b.AppendTx(ctx, tx, audit.Entry{Account: "a", Act: "account.put"}); err != nil {
			return err
		}
		return broken
	})
	if !errors.Is(err, broken) {
		t.Fatal(err)
	}
	b.add(1)
	if r := b.verify(); !r.OK() || r.Last != 1 {
		t.Errorf("after a rollback and one entry: %+v", r)
	}
}

func TestManyWritersMakeOneChain(t *testing.T) {
	b := open(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 10 {
				if err := b.Append(t.Context(), audit.Entry{Account: "a", Act: "track.look"}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if r := b.verify(); !r.OK() || r.Last != 80 {
		t.Errorf("%+v, want 80 entries", r)
	}
}

func TestListSelectsAndPages(t *testing.T) {
	b := open(t)
	start := b.now
	b.add(12)
	at := func(n int) telemetry.Millis { return telemetry.At(start.Add(time.Duration(n) * time.Second)) }
	for name, c := range map[string]struct {
		q    audit.Query
		want []int64
	}{
		"all":          {audit.Query{}, []int64{12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1}},
		"account":      {audit.Query{Account: "account-0"}, []int64{10, 7, 4, 1}},
		"act":          {audit.Query{Act: "track.look", Limit: 2}, []int64{11, 9}},
		"begin of act": {audit.Query{Act: "track", Limit: 2}, []int64{11, 9}},
		"half a word":  {audit.Query{Act: "tra"}, nil},
		"subject":      {audit.Query{Subject: "s-4"}, []int64{5}},
		"person":       {audit.Query{Person: "p-001", Limit: 1}, []int64{12}},
		"time":         {audit.Query{From: at(3), To: at(6)}, []int64{5, 4, 3}},
		"next page":    {audit.Query{Before: 3}, []int64{2, 1}},
		"quotes":       {audit.Query{Account: "a' OR 1=1"}, nil},
	} {
		got, err := b.List(t.Context(), c.q)
		var numbers []int64
		for _, r := range got {
			numbers = append(numbers, r.N)
		}
		if err != nil || !slices.Equal(numbers, c.want) {
			t.Errorf("%s: %v %v, want %v", name, numbers, err, c.want)
		}
	}
}

// TestEveryTamperingIsLocated changes the table behind the log's back.
func TestEveryTamperingIsLocated(t *testing.T) {
	for name, c := range map[string]struct {
		do   []string
		n    int64
		code audit.Code
	}{
		"account":     {[]string{`UPDATE audit SET account = 'other' WHERE n = 4`}, 4, audit.Changed},
		"time":        {[]string{`UPDATE audit SET at = at + 1 WHERE n = 4`}, 4, audit.Changed},
		"subject":     {[]string{`UPDATE audit SET subject = '' WHERE n = 1`}, 1, audit.Changed},
		"hash":        {[]string{`UPDATE audit SET hash = 'x' WHERE n = 9`}, 9, audit.Changed},
		"removed":     {[]string{`DELETE FROM audit WHERE n = 5`}, 5, audit.Missing},
		"first":       {[]string{`DELETE FROM audit WHERE n = 1`}, 1, audit.Missing},
		"tail":        {[]string{`DELETE FROM audit WHERE n > 7`}, 8, audit.Missing},
		"all":         {[]string{`DELETE FROM audit`}, 1, audit.Missing},
		"swapped":     {[]string{`UPDATE audit SET n = 100 WHERE n = 5`, `UPDATE audit SET n = 5 WHERE n = 6`, `UPDATE audit SET n = 6 WHERE n = 100`}, 5, audit.Moved},
		"closed up":   {[]string{`DELETE FROM audit WHERE n = 5`, `UPDATE audit SET n = n + 1000 WHERE n > 5`, `UPDATE audit SET n = n - 1001 WHERE n > 5`}, 5, audit.Moved},
		"another one": {[]string{`UPDATE audit SET bytes = (SELECT bytes FROM audit WHERE n = 3), hash = (SELECT hash FROM audit WHERE n = 3) WHERE n = 4`}, 4, audit.Moved},
	} {
		t.Run(name, func(t *testing.T) {
			b := open(t)
			b.add(9)
			b.export(0) // signs: ten entries, with the log's own
			if r := b.verify(); !r.OK() || r.Last != 10 || r.Signed != 10 {
				t.Fatalf("untouched: %+v", r)
			}
			b.tamper(c.do...)
			if r := b.verify(); r.OK() || r.Fault.N != c.n || r.Fault.Code != c.code {
				t.Errorf("fault %+v, want %s at %d", r.Fault, c.code, c.n)
			}
		})
	}
}

// TestEveryByteOfTheTableCounts flips each byte of one entry in the table.
func TestEveryByteOfTheTableCounts(t *testing.T) {
	b := open(t)
	b.add(5)
	var whole []byte
	if err := b.db.QueryRow(t.Context(), `SELECT bytes FROM audit WHERE n = 3`).Scan(&whole); err != nil {
		t.Fatal(err)
	}
	put := func(line []byte) {
		err := b.db.Write(t.Context(), func(tx *store.Tx) error {
			_, err := tx.Exec(t.Context(), `UPDATE audit SET bytes = ? WHERE n = 3`, line)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for i := range whole {
		line := slices.Clone(whole)
		line[i] ^= []byte{0x01, 0x20, 0xff}[i%3]
		put(line)
		if r := b.verify(); r.OK() || r.Fault.N != 3 {
			t.Fatalf("byte %d: %+v, want entry 3", i, r.Fault)
		}
	}
	put(whole)
	if r := b.verify(); !r.OK() {
		t.Errorf("put back: %+v", r.Fault)
	}
}

// TestEveryByteOfAnExportCounts flips each byte of an export: the fault names
// the entry that it hit.
func TestEveryByteOfAnExportCounts(t *testing.T) {
	b := open(t)
	b.add(5)
	file := b.export(0)
	if r := b.examine(file); !r.OK() || r.First != 1 || r.Last != 6 || r.Signed != 6 {
		t.Fatalf("untouched: %+v", r)
	}
	line := int64(0)
	for i := range file {
		bad := slices.Clone(file)
		bad[i] ^= []byte{0x01, 0x20, 0xff}[i%3]
		if r := b.examine(bad); r.OK() || r.Fault.N != line && (line != 0 || r.Fault.Code != audit.Head) {
			t.Fatalf("byte %d of line %d: %+v", i, line, r.Fault)
		}
		if file[i] == '\n' {
			line++
		}
	}
}

// TestEveryLineOfAnExportCounts removes, repeats and swaps lines, and cuts the
// file at every byte.
func TestEveryLineOfAnExportCounts(t *testing.T) {
	b := open(t)
	b.add(5)
	file := b.export(0)
	lines := bytes.SplitAfter(file, []byte("\n"))
	lines = lines[:len(lines)-1]
	for i := range lines {
		for what, changed := range map[string][][]byte{
			"removed":  slices.Delete(slices.Clone(lines), i, i+1),
			"repeated": slices.Insert(slices.Clone(lines), i, lines[i]),
		} {
			if r := b.examine(slices.Concat(changed...)); r.OK() && (i != 1 || what != "removed") {
				t.Errorf("line %d %s: not found", i, what)
			}
		}
		if i > 1 {
			swapped := slices.Clone(lines)
			swapped[i-1], swapped[i] = swapped[i], swapped[i-1]
			if r := b.examine(slices.Concat(swapped...)); r.OK() || r.Fault.N > int64(i) {
				t.Errorf("lines %d and %d swapped: %+v", i-1, i, r.Fault)
			}
		}
	}
	if r := b.examine(slices.Concat(append(slices.Clone(lines[:1]), lines[2:]...)...)); !r.OK() || r.First != 2 {
		t.Errorf("without its first entry an export is one that begins later: %+v", r)
	}
	for n := len(lines[0]) + 1; n < len(file); n++ {
		if r := b.examine(file[:n]); r.OK() {
			t.Fatalf("cut at byte %d of %d: not found", n, len(file))
		}
	}
}

func TestAnExportMayBeginLater(t *testing.T) {
	b := open(t)
	b.add(6)
	from := b.now
	b.add(3)
	r := b.examine(b.export(telemetry.At(from)))
	if !r.OK() || r.First != 6 || r.Last != 10 {
		t.Errorf("%+v, want 6 to 10", r)
	}
	if r := b.examine(b.export(telemetry.At(from.Add(time.Hour)))); !r.OK() || r.Signed != 10 {
		t.Errorf("of a later hour: %+v, want no entries and no fault", r)
	}
}

// TestACutIsRememberedForEver cuts the signed tail off, lets the log go on, and
// cannot be made to forget.
func TestACutIsRememberedForEver(t *testing.T) {
	b := open(t)
	b.add(9)
	b.export(0)
	b.tamper(`DELETE FROM audit WHERE n > 7`)
	b.add(4) // somebody fills the place again
	if r := b.verify(); r.OK() || r.Fault.N != 10 || r.Fault.Code != audit.Changed {
		t.Errorf("filled up: %+v, want the signed entry 10 to be another", r.Fault)
	}
	b.export(0)
	r := b.verify()
	if !r.OK() || !slices.Equal(r.Cuts, []int64{12}) {
		t.Errorf("%+v, want a cut told of by entry 12", r)
	}
	if kept, err := filepath.Glob(b.file + ".2*"); err != nil || len(kept) != 1 {
		t.Errorf("%v %v: the contradicted head must be kept", kept, err)
	}
}

// TestAStopSignsWhatCame: the newest entries are under a signature when Run has
// returned.
func TestAStopSignsWhatCame(t *testing.T) {
	b := open(t)
	b.add(2)
	ended, end := context.WithCancel(t.Context())
	end()
	if err := b.Run(ended); err != nil {
		t.Fatal(err)
	}
	if r := b.verify(); !r.OK() || r.Signed != 3 || r.Last != 3 {
		t.Errorf("after a stop: %+v, want all three signed", r)
	}
}

// FuzzExamine reads anything without failing, and finds nothing sound that the
// key has not signed.
func FuzzExamine(f *testing.F) {
	f.Add([]byte("{\"head\":\"x\"}\n{\"hash\":\"\",\"entry\":{\"n\":1}}\n"))
	f.Add([]byte("{\"head\":\"gridhub-audit\\n1\\nab\\n2\\n\"}\n{\"hash\":\"ab\",\"entry\":{\"n\":1,\"at\":1,\"account\":\"a\",\"act\":\"a.b\",\"prev\":\"\"}}\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		r, err := audit.Examine(bytes.NewReader(file), func(s string) (string, error) { return s, nil })
		if err == nil && r.OK() && r.Last != r.Signed {
			t.Errorf("sound without its end: %+v", r)
		}
	})
}
