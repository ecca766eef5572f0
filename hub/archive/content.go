package archive

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"gridhub/devices/telemetry"
	"gridhub/hub/evidence"
	"gridhub/hub/identity"
	"gridhub/hub/tasks"
)

// Pool is the task pool as the archive asks it.
type Pool interface {
	Archived(ctx context.Context, after identity.CaseID, limit int) ([]identity.CaseID, error)
	Canonical(ctx context.Context, id identity.CaseID) ([][]byte, error)
	Secrets(ctx context.Context, id identity.CaseID) ([]tasks.Secret, error)
	Describe(events []tasks.Event, at telemetry.Millis) tasks.Case
	Matter(code string) (tasks.Matter, bool)
}

// Originals are the photos and documents, by the SHA-256 of their bytes; they
// answer evidence.ErrNotFound for what is not kept.
type Originals interface {
	Open(ctx context.Context, hash, form string) (io.ReadSeekCloser, string, error)
}

// content is what one seal holds, before the log has it. The texts are kept in
// the database until the file is durable, so that a restart writes the same.
type content struct {
	Events   []byte   `json:"events"`
	Secrets  []byte   `json:"secrets"`
	Document []byte   `json:"document"`
	Manifest []byte   `json:"manifest"`
	Evidence []Listed `json:"evidence"`
}

// extensions of originals, by media type; a type that is not here has none.
var extensions = map[string]string{evidence.JPEG: ".jpg", evidence.PNG: ".png", evidence.WebP: ".webp", evidence.PDF: ".pdf", evidence.MP4: ".mp4", evidence.WebM: ".webm"}

// gather collects what a seal over the first n lines of a case holds.
func (a *Archive) gather(ctx context.Context, m Manifest, lines [][]byte) (content, error) {
	events, err := read(lines)
	if err != nil {
		return content{}, err
	}
	all, err := a.pool.Secrets(ctx, m.Case)
	if err != nil {
		return content{}, err
	}
	secrets := upTo(all, len(events))
	last := events[len(events)-1]
	c := a.pool.Describe(events, last.At)
	m.Number, m.Matter, m.Clocks = c.Number, c.Matter, c.Clocks
	if matter, ok := a.pool.Matter(c.Matter); ok {
		m.Name = matter.Name.ZH
	}
	for i := range events {
		m.Events = append(m.Events, events[i].Hash)
	}
	out := content{Events: joined(lines), Secrets: writtenLines(secrets)}
	if out.Evidence, m.Missing, err = a.originals(ctx, c.Evidence); err != nil {
		return content{}, err
	}
	if out.Document, err = document(paper{Manifest: m, Events: revealed(events, secrets), Evidence: out.Evidence, Zone: a.zone, Blind: blind(secrets)}); err != nil {
		return content{}, err
	}
	m.Entries = append([]Listed{listed(secretsName, out.Secrets), listed(documentName, out.Document)}, out.Evidence...)
	out.Manifest = written(m)
	return out, nil
}

// read opens the lines of a chain and holds them against one another: what
// does not verify is never sealed.
func read(lines [][]byte) ([]tasks.Event, error) {
	if err := tasks.VerifyChain(lines); err != nil {
		return nil, err
	}
	out := make([]tasks.Event, len(lines))
	for i, l := range lines {
		e, _, err := tasks.Read(l)
		if err != nil {
			return nil, err
		}
		out[i] = e
	}
	return out, nil
}

func upTo(all []tasks.Secret, events int) []tasks.Secret {
	out := []tasks.Secret{}
	for _, s := range all {
		if s.Seq <= uint64(events) {
			out = append(out, s)
		}
	}
	return out
}

// revealed puts the personal values into a copy of the events.
func revealed(events []tasks.Event, secrets []tasks.Secret) []tasks.Event {
	out := append([]tasks.Event(nil), events...)
	for _, s := range secrets {
		if s.Seq >= 1 && s.Seq <= uint64(len(out)) {
			s.Reveal(&out[s.Seq-1])
		}
	}
	return out
}

// blind is a value that only who has every salt can make. It stands in the
// document, so that the document's sum in the manifest gives nobody a way to
// try out telephone numbers after the values were withheld.
func blind(secrets []tasks.Secret) string {
	h := sha256.New()
	for _, s := range secrets {
		h.Write(s.Salt)
	}
	return hex.EncodeToString(h.Sum(nil))
}

func joined(lines [][]byte) []byte {
	return append(bytes.Join(lines, []byte("\n")), '\n')
}

func writtenLines[T any](list []T) []byte {
	out := []byte{}
	for _, v := range list {
		out = append(out, written(v)...)
	}
	return out
}

func listed(name string, data []byte) Listed { return Listed{name, sum(data), int64(len(data))} }

// originals lists the evidence that is kept and the hashes of what is not.
func (a *Archive) originals(ctx context.Context, hashes []string) (kept []Listed, missing []string, err error) {
	seen := map[string]bool{}
	for _, hash := range hashes {
		if seen[hash] {
			continue
		}
		seen[hash] = true
		l, err := a.original(ctx, hash)
		if errors.Is(err, evidence.ErrNotFound) {
			missing = append(missing, hash)
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		kept = append(kept, l)
	}
	return kept, missing, nil
}

// original reads one original through: what has rotted on the disk is not
// sealed as if it were whole.
func (a *Archive) original(ctx context.Context, hash string) (Listed, error) {
	f, kind, err := a.evidence.Open(ctx, hash, evidence.Original)
	if err != nil {
		return Listed{}, err
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(h, f)
	if err != nil {
		return Listed{}, fmt.Errorf("evidence %s: %w", hash, err)
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != hash {
		return Listed{}, fmt.Errorf("evidence %s: its bytes have the sum %s: the disk or somebody changed it", hash, got)
	}
	return Listed{evidenceDir + hash + extensions[kind], hash, n}, nil
}

// entries are the files of a seal, in order.
func (a *Archive) entries(ctx context.Context, c content, statement []byte, p proof, signed string) []entry {
	out := []entry{held(eventsName, c.Events), held(secretsName, c.Secrets), held(documentName, c.Document)}
	for _, l := range c.Evidence {
		out = append(out, entry{l.Name, l.Size, func() (io.ReadCloser, error) {
			f, _, err := a.evidence.Open(ctx, l.SHA256, evidence.Original)
			return f, err
		}})
	}
	return append(out, held(manifestName, c.Manifest), held(statementName, statement), held(proofName, written(p)), held(signedName, []byte(signed)))
}

// secretsOf reads secrets.jsonl back.
func secretsOf(b []byte) ([]tasks.Secret, error) {
	var out []tasks.Secret
	for line := range bytes.Lines(b) {
		var s tasks.Secret
		if err := json.Unmarshal(line, &s); err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}
