package archive

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"gridhub/hub/tasks"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Trust is what a verifier believes beforehand: the hub's public key, a
// checkpoint that came by a way of its own, or both.
type Trust struct {
	key        note.Verifier
	checkpoint *Checkpoint
}

// NewTrust reads a public key and a checkpoint; either may be empty, not both.
func NewTrust(key, checkpoint string) (Trust, error) {
	var t Trust
	if strings.TrimSpace(key) == "" && strings.TrimSpace(checkpoint) == "" {
		return t, fmt.Errorf("want the archive's public key or a checkpoint that you trust")
	}
	if strings.TrimSpace(key) != "" {
		v, err := note.NewVerifier(strings.TrimSpace(key))
		if err != nil {
			return t, fmt.Errorf("public key: %w", err)
		}
		t.key = v
	}
	if strings.TrimSpace(checkpoint) != "" {
		c, _, err := parseCheckpoint([]byte(checkpoint))
		if err != nil {
			return t, err
		}
		if _, signed := t.signed([]byte(checkpoint)); t.key != nil && !signed {
			return t, fmt.Errorf("the checkpoint that you trust is not signed by the key that you trust")
		}
		t.checkpoint = &c
	}
	return t, nil
}

func (t Trust) signed(n []byte) (string, bool) {
	if t.key == nil {
		return "", false
	}
	return signedBy(n, t.key)
}

// Verify examines one sealed file. It asks nothing of the hub and believes
// nothing that the file says without proof. All faults are reported, the place
// of each as exactly as it is known.
func Verify(r io.ReaderAt, size int64, t Trust) *Report {
	v := &verifier{Report: &Report{}, trust: t}
	var faults []Fault
	v.container, faults = unpack(r, size)
	v.Faults, v.Entries = faults, len(v.slots)
	v.log()
	v.manifest()
	v.events()
	v.secrets()
	v.list()
	v.evidence()
	return v.Report
}

// verifier is one examination. A part that does not verify stays nil, and what
// depends on it alone is not judged twice.
type verifier struct {
	*Report
	*container
	trust    Trust
	said     *Statement
	sealed   *Manifest
	redacted *Redaction
	chain    []tasks.Event // those that can be read
}

// at is a fault in an entry, with the bytes that the entry has.
func (v *verifier) at(code Code, name, detail string) {
	f := Fault{Code: code, Entry: name, Detail: detail}
	if i := v.find(name); i >= 0 {
		f.From, f.To = v.slots[i].data(), v.slots[i].end()
	}
	v.fault(f)
}

// log proves that the statement stands in the log whose head the key signed.
func (v *verifier) log() {
	statement := v.container.read(statementName)
	v.Report.statement = statement
	var s Statement
	if !parse(statement, &s) || s.V != version {
		v.at(BadStatement, statementName, "")
	} else {
		v.said, v.Case, v.Report.Seal, v.At = &s, string(s.Case), s.Seal, int64(s.At)
	}
	head, root, ok := v.head()
	var p proof
	if !parse(v.container.read(proofName), &p) {
		v.at(BadProof, proofName, "")
		return
	}
	v.Index, v.Size = p.Index, p.Size
	if !ok {
		return
	}
	if p.Size != head.Size || tlog.CheckRecord(p.Hashes, p.Size, root, p.Index, tlog.RecordHash(statement)) != nil {
		v.at(BadProof, proofName, "")
		v.at(BadStatement, statementName, "")
	}
}

// head reads the checkpoint and asks who vouches for it.
func (v *verifier) head() (Checkpoint, tlog.Hash, bool) {
	signed := v.container.read(signedName)
	c, root, err := parseCheckpoint(signed)
	if err != nil {
		v.at(BadSignature, signedName, "")
		return c, root, false
	}
	v.root = c.Root
	if _, ok := v.trust.signed(signed); v.trust.key != nil && !ok {
		v.at(BadSignature, signedName, "")
	}
	switch known := v.trust.checkpoint; {
	case known == nil:
	case known.Size == c.Size && known.Root != c.Root:
		v.at(BadHistory, signedName, fmt.Sprintf("%s ≠ %s", c.Root, known.Root))
	case known.Size != c.Size && v.trust.key == nil:
		v.at(BadSignature, signedName, fmt.Sprintf("%d ≠ %d", c.Size, known.Size))
	}
	return c, root, true
}

// manifest reads the list of what was sealed, and the redaction's where there
// is one.
func (v *verifier) manifest() {
	b := v.container.read(manifestName)
	var m Manifest
	if !parse(b, &m) || m.V != version || v.said != nil && sum(b) != v.said.Manifest {
		v.at(BadManifest, manifestName, "")
		return
	}
	if s := v.said; s != nil && (s.Case != m.Case || s.Seal != m.Seal || s.Events != len(m.Events) || s.Events == 0 || m.Events[s.Events-1] != s.Head) {
		v.at(BadStatement, statementName, "")
	}
	v.sealed, v.Number, v.Former, v.Missing = &m, m.Number, m.Former, m.Missing
	if v.find(redactionName) >= 0 {
		v.redaction()
	}
}

func (v *verifier) redaction() {
	b := v.container.read(redactionName)
	var r Redaction
	v.Redacted = true
	if !parse(b, &r) || r.V != version || r.Statement != sum(v.Report.statement) {
		v.at(BadContent, redactionName, "")
		return
	}
	if text, ok := v.trust.signed(v.container.read(redactedName)); !ok || text != redactionText(b) {
		v.at(BadSignature, redactedName, "")
	}
	v.redacted = &r
}

// events follows the chain, each event by itself and with the one before.
func (v *verifier) events() {
	raw := v.container.read(eventsName)
	lines := linesOf(raw)
	v.Events = len(lines)
	if !bytes.Equal(joined(lines), raw) {
		v.at(BadEvent, eventsName, "")
	}
	from := int64(0)
	if i := v.find(eventsName); i >= 0 {
		from = v.slots[i].data()
	}
	prev := ""
	for i, line := range lines {
		where := Fault{Entry: eventsName, Event: uint64(i) + 1, From: from, To: from + int64(len(line)) + 1}
		from = where.To
		hash := sum(line)
		if m := v.sealed; m != nil && (i >= len(m.Events) || m.Events[i] != hash) {
			where.Code = BadEvent
			v.fault(where)
			if len(lines) != len(m.Events) {
				break // what follows has moved
			}
		}
		prev = v.follow(line, hash, prev, where)
	}
	v.complete(lines)
}

// follow holds one event against the one before and returns its hash.
func (v *verifier) follow(line []byte, hash, prev string, where Fault) string {
	e, said, err := tasks.Read(line)
	switch {
	case err != nil:
		where.Code, where.Detail = BadEvent, err.Error()
		v.fault(where)
	case said != prev || e.Seq != where.Event || v.said != nil && e.Case != v.said.Case:
		where.Code = BadChain
		v.fault(where)
	}
	if err == nil {
		v.chain = append(v.chain, e)
		if e.Type == tasks.Called && e.Body.Evidence != "" {
			v.Recordings = append(v.Recordings, Recorded{e.Body.Call, e.Body.Evidence})
		}
	}
	return hash
}

// complete finds events that are missing at the end.
func (v *verifier) complete(lines [][]byte) {
	if m := v.sealed; m != nil && len(lines) < len(m.Events) {
		v.at(BadEvent, eventsName, fmt.Sprintf("%d < %d", len(lines), len(m.Events)))
	}
	if v.said != nil && (len(lines) == 0 || sum(lines[len(lines)-1]) != v.said.Head) && v.sealed == nil {
		v.at(BadEvent, eventsName, "")
	}
}

// secrets holds the personal values against their commitments, and lists the
// commitments whose value is not shown.
func (v *verifier) secrets() {
	list, err := secretsOf(v.container.read(secretsName))
	if err != nil {
		v.at(BadSecret, secretsName, err.Error())
		return
	}
	byEvent := map[uint64]*tasks.Event{}
	for i := range v.chain {
		byEvent[v.chain[i].Seq] = &v.chain[i]
	}
	shown := map[Withheld]bool{}
	for _, s := range list {
		e := byEvent[s.Seq]
		if e == nil || !s.Fits(e) {
			v.fault(Fault{Code: BadSecret, Entry: secretsName, Event: s.Seq, Detail: s.Field})
		}
		shown[Withheld{Event: s.Seq, Field: s.Field}] = true
	}
	for _, e := range v.chain {
		for field := range e.Body.Private {
			if w := (Withheld{Event: e.Seq, Field: field}); !shown[w] {
				v.Withheld = append(v.Withheld, w)
			}
		}
	}
	slices.SortFunc(v.Withheld, func(a, b Withheld) int {
		return cmp.Or(cmp.Compare(a.Event, b.Event), cmp.Compare(a.Field, b.Field))
	})
}

// list holds the entries against the manifest: all there, no others, in order,
// each with its sum.
func (v *verifier) list() {
	if v.sealed == nil {
		return
	}
	want := v.expected()
	for i, l := range want {
		at := v.find(l.Name)
		switch {
		case at < 0:
			v.fault(Fault{Code: BadList, Entry: l.Name})
		case i >= len(v.slots) || v.slots[i].name != l.Name:
			v.at(BadList, l.Name, "")
		}
		if at >= 0 && l.SHA256 != "" && v.sums[at] != l.SHA256 {
			v.at(BadContent, l.Name, "")
		}
	}
	known := map[string]bool{}
	for _, l := range want {
		known[l.Name] = true
	}
	seen := map[string]bool{}
	for _, s := range v.slots {
		if !known[s.name] || seen[s.name] {
			v.fault(Fault{Code: BadList, Entry: s.name, From: s.header, To: s.end()})
		}
		seen[s.name] = true
	}
}

// expected lists the entries in order; those whose sums are proven in another
// way have none.
func (v *verifier) expected() []Listed {
	out := []Listed{{Name: eventsName}}
	for _, l := range v.sealed.Entries {
		if r := v.redacted; r != nil {
			if strings.HasPrefix(l.Name, evidenceDir) && slices.Contains(r.Withheld, l.Name) {
				v.Withheld = append(v.Withheld, Withheld{Entry: l.Name})
				continue
			}
			for _, other := range r.Entries {
				if other.Name == l.Name && (l.Name == secretsName || l.Name == documentName) {
					l = other
				}
			}
		}
		out = append(out, l)
	}
	for _, name := range []string{manifestName, statementName, proofName, signedName} {
		out = append(out, Listed{Name: name})
	}
	if v.Redacted {
		out = append(out, Listed{Name: redactionName}, Listed{Name: redactedName})
	}
	return out
}

// evidence finds originals that no event names, and events whose original is
// neither listed nor known to be missing.
func (v *verifier) evidence() {
	if v.sealed == nil {
		return
	}
	listed := map[string]bool{}
	for _, hash := range v.sealed.Missing {
		listed[hash] = true
	}
	for _, l := range v.sealed.Entries {
		if name, ok := strings.CutPrefix(l.Name, evidenceDir); ok {
			listed[l.SHA256] = true
			if !strings.HasPrefix(name, l.SHA256) {
				v.at(BadEvidence, l.Name, "")
			}
		}
	}
	for _, e := range v.chain {
		if hash := e.Body.Evidence; e.Type == tasks.Evidence && !listed[hash] {
			v.fault(Fault{Code: BadEvidence, Event: e.Seq, Entry: eventsName, Detail: hash})
		}
	}
}
