package wire

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"

	"gridhub/devices/codec/native"
)

var update = flag.Bool("update", false, "rewrite testdata from PROTOCOL.md")

// envelopes are what the examples of PROTOCOL.md are examples of.
var envelopes = map[string]func() any{
	"Reading":         func() any { return new(Reading) },
	"[]Fix":           func() any { return new([]Fix) },
	"Happening":       func() any { return new(Happening) },
	"Stock":           func() any { return new(Stock) },
	"Batch":           func() any { return new(Batch) },
	"Acknowledgement": func() any { return new(Acknowledgement) },
	"Presence":        func() any { return new(Presence) },
	"Wake":            func() any { return new(Wake) },
	"Account":         func() any { return new(Account) },
	"Signed":          func() any { return new(Signed) },
	"Order":           func() any { return new(Order) },
	"Result":          func() any { return new(Result) },
	"Enrolment":       func() any { return new(Enrolment) },
	"Identity":        func() any { return new(Identity) },
	"KeyList":         func() any { return new(KeyList) },
}

type example struct{ name, kind, text string }

func examples(t *testing.T) (all []example) {
	t.Helper()
	doc, err := os.ReadFile("PROTOCOL.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile("(?s)<!-- golden: (\\S+) (\\S+) -->\n```json\n(.*?)\n```").FindAllSubmatch(doc, -1) {
		all = append(all, example{string(m[1]), string(m[2]), string(m[3])})
	}
	return all
}

// The prose, the Go types and the bytes on disk say the same.
func TestExamplesAreTheTypes(t *testing.T) {
	all := examples(t)
	if len(all) != len(envelopes) {
		t.Errorf("PROTOCOL.md has %d examples, want one for each of %d envelopes", len(all), len(envelopes))
	}
	for _, e := range all {
		golden(t, e.name, []byte(e.text+"\n"))
		v := envelopes[e.kind]()
		strict := json.NewDecoder(strings.NewReader(e.text))
		strict.DisallowUnknownFields()
		if err := strict.Decode(v); err != nil {
			t.Errorf("%s: %v", e.name, err)
			continue
		}
		if back, err := json.Marshal(v); err != nil || string(back) != e.text {
			t.Errorf("%s: written again it is\n%s\nnot\n%s (%v)", e.name, back, e.text, err)
		}
		binary, err := deterministic.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		golden(t, strings.TrimSuffix(e.name, ".json")+".cbor.hex", []byte(hex.EncodeToString(binary)+"\n"))
		w := envelopes[e.kind]()
		if err := native.Unmarshal(binary, w); err != nil || !reflect.DeepEqual(v, w) {
			t.Errorf("%s: as CBOR it is %+v, %v", e.name, w, err)
		}
	}
}

// deterministic writes CBOR in the one form of RFC 8949, 4.2.1.
var deterministic = func() cbor.EncMode {
	m, err := cbor.CoreDetEncOptions().EncMode()
	if err != nil {
		panic(err)
	}
	return m
}()

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s: PROTOCOL.md gives\n%s\nthe file has\n%s", name, got, want)
	}
}

// An order is believed only as it was signed, and only by whom was pinned.
func TestOrders(t *testing.T) {
	key := ed25519.NewKeyFromSeed([]byte("gridhub example key, not secret!"))
	other := ed25519.NewKeyFromSeed([]byte("another example key, not secret!"))
	pinned := key.Public().(ed25519.PublicKey)
	text, err := os.ReadFile("testdata/command.json")
	if err != nil {
		t.Fatal(err)
	}
	open := func(change func(*Signed), keys ...ed25519.PublicKey) error {
		var s Signed
		if err := json.Unmarshal(text, &s); err != nil {
			t.Fatal(err)
		}
		change(&s)
		_, err := s.Open(keys...)
		return err
	}
	same := func(*Signed) {}
	for name, got := range map[string]struct{ err, want error }{
		"sound":           {open(same, other.Public().(ed25519.PublicKey), pinned), nil},
		"nobody pinned":   {open(same), ErrKey},
		"another pinned":  {open(same, other.Public().(ed25519.PublicKey)), ErrKey},
		"changed order":   {open(func(s *Signed) { s.Order[10] ^= 1 }, pinned), ErrSignature},
		"changed mark":    {open(func(s *Signed) { s.Signature[3] ^= 1 }, pinned), ErrSignature},
		"short mark":      {open(func(s *Signed) { s.Signature = s.Signature[:8] }, pinned), ErrSignature},
		"another version": {open(func(s *Signed) { s.V = 2 }, pinned), ErrOrder},
		"not an order": {open(func(s *Signed) {
			s.Order = []byte("{}")
			s.Signature = ed25519.Sign(key, append([]byte(Context), s.Order...))
		}, pinned), ErrOrder},
		"signed for something else": {open(func(s *Signed) { s.Signature = ed25519.Sign(key, s.Order) }, pinned), ErrSignature},
	} {
		if !errors.Is(got.err, got.want) {
			t.Errorf("%s: %v, want %v", name, got.err, got.want)
		}
	}
	var o Order
	if err := json.Unmarshal(mustRead(t, "testdata/order.json"), &o); err != nil {
		t.Fatal(err)
	}
	s, err := Seal(o, key)
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := json.Marshal(s); string(again)+"\n" != string(text) {
		t.Errorf("sealed again it is\n%s\nnot\n%s", again, text)
	}
}

func mustRead(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The hub's own decoder reads the golden bytes, both encodings alike.
func TestDecoderReadsTheGoldenBytes(t *testing.T) {
	var d native.Decoder
	for name, read := range map[string]func([]byte) (any, error){
		"telemetry": func(p []byte) (any, error) { return d.Telemetry(p) },
		"position":  func(p []byte) (any, error) { return d.Position(p) },
		"batch":     func(p []byte) (any, error) { return d.Batch(p) },
	} {
		text, err := os.ReadFile(filepath.Join("testdata", name+".json"))
		if err != nil {
			t.Fatal(err)
		}
		digits, err := os.ReadFile(filepath.Join("testdata", name+".cbor.hex"))
		if err != nil {
			t.Fatal(err)
		}
		binary, err := hex.DecodeString(strings.TrimSpace(string(digits)))
		if err != nil {
			t.Fatal(err)
		}
		a, err := read(text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		aText, _ := json.Marshal(a)
		b, err := read(binary)
		if err != nil {
			t.Errorf("%s as CBOR: %v", name, err)
		}
		if bText, _ := json.Marshal(b); !bytes.Equal(aText, bText) {
			t.Errorf("%s: JSON says %s, CBOR says %s", name, aText, bText)
		}
	}
}

func TestSplitUp(t *testing.T) {
	for topic, want := range map[string][3]string{
		"gh/1/gw-1/up/batch":          {"gw-1", "batch", ""},
		"gh/1/gw-1/up/telemetry/a/b":  {"gw-1", "telemetry", "a/b"},
		"gh/1/gw-1/down/ack":          {},
		"gh/1//up/batch":              {},
		"gh/1/a/b/up/batch":           {},
		"gh/2/gw-1/up/batch":          {},
		"gh/1/gw-1/up/":               {},
		"$SYS/gh/1/gw-1/up/telemetry": {},
	} {
		id, kind, rest, ok := SplitUp(topic)
		if got := [3]string{string(id), kind, rest}; ok != (want[0] != "") || ok && got != want {
			t.Errorf("%s: %v, %v", topic, got, ok)
		}
	}
}
