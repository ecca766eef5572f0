package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"gridhub/devices/telemetry"
)

// Bounds of an entry: one that is longer says too much.
const (
	maxWord   = 200 // bytes of an id, an act, an address or a detail
	maxReason = 1000
	maxDetail = 16 // how many
)

var (
	acts   = regexp.MustCompile(`^[a-z][a-z0-9-]*(\.[a-z][a-z0-9-]*)+$`)
	phones = regexp.MustCompile(`\b1[3-9]\d{9}\b`) // of the mainland's mobiles
)

// newRecord checks an entry and makes it fit to be kept.
func newRecord(e Entry) (Record, error) {
	switch {
	case e.Account == "":
		return Record{}, fmt.Errorf("audit: %s by nobody: want an account", e.Act)
	case !acts.MatchString(e.Act) || len(e.Act) > maxWord:
		return Record{}, fmt.Errorf("audit: act %q: want dotted words such as track.look", e.Act)
	case len(e.Detail) > maxDetail:
		return Record{}, fmt.Errorf("audit: %s has %d details, want at most %d", e.Act, len(e.Detail), maxDetail)
	}
	r := Record{At: telemetry.At(e.At), Account: clean(e.Account, maxWord), Person: clean(e.Person, maxWord), Act: e.Act,
		Subject: clean(e.Subject, maxWord), Reason: masked(clean(e.Reason, maxReason)), From: clean(e.From, maxWord)}
	for k, v := range e.Detail {
		if r.Detail == nil {
			r.Detail = map[string]string{}
		}
		r.Detail[clean(k, maxWord)] = masked(clean(v, maxWord))
	}
	return r, nil
}

// clean makes a text of foreign origin storable and short.
func clean(s string, most int) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\ufffd"), "\x00", "\ufffd")
	if len(s) <= most {
		return s
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return s[:most]
}

// masked hides telephone numbers, which people write into reasons.
func masked(s string) string {
	return phones.ReplaceAllStringFunc(s, func(p string) string { return p[:3] + "****" + p[7:] })
}

// bytes are an entry as the chain holds it.
func (r Record) bytes() []byte {
	b, err := json.Marshal(r)
	if err != nil {
		panic(err) // plain values
	}
	return b
}

// parse reads what bytes wrote, and nothing else.
func parse(b []byte) (Record, bool) {
	var r Record
	ok := json.Unmarshal(b, &r) == nil && bytes.Equal(r.bytes(), b)
	return r, ok
}

func sum(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}
