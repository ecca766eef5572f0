package archive

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"gridhub/devices/telemetry"
	"gridhub/hub/identity"
	"gridhub/hub/tasks"

	"golang.org/x/mod/sumdb/note"
)

// Cut names what a redacted copy withholds.
type Cut struct {
	Fields   []string // personal fields: text, reporter, why
	Evidence bool     // all originals; their hashes stay
}

// PersonalFields are all fields that cases commit to and may withhold.
var PersonalFields = []string{"text", "reporter", "why"}

// Nothing reports whether everything is shown.
func (c Cut) Nothing() bool { return len(c.Fields) == 0 && !c.Evidence }

// Redaction says what a copy lacks, and the sums of what replaces it.
type Redaction struct {
	V         int              `json:"v"`
	Statement string           `json:"statement"` // hex SHA-256 of seal.json
	At        telemetry.Millis `json:"at"`
	Entries   []Listed         `json:"entries"`            // that differ from the manifest
	Withheld  []string         `json:"withheld,omitempty"` // entries of the manifest that are not there
}

const redactedOrigin = "gridhub-redaction"

func redactionText(redaction []byte) string { return redactedOrigin + "\n" + sum(redaction) + "\n" }

// Read opens a sealed file, with cut withheld. The caller closes it, and has
// recorded who asks. Errors: ErrNotFound.
func (a *Archive) Read(ctx context.Context, id identity.CaseID, seal int, cut Cut) (io.ReadCloser, error) {
	found, err := a.rows(ctx, `WHERE case_id = ? AND seal = ? AND content IS NULL`, string(id), seal)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, ErrNotFound
	}
	f, err := os.Open(a.path(id, seal))
	if err != nil || cut.Nothing() {
		return f, err
	}
	defer f.Close()
	return a.redacted(f, cut)
}

// redacted makes a copy in a file without a name, and gives it back rewound.
func (a *Archive) redacted(f *os.File, cut Cut) (io.ReadCloser, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	out, err := os.CreateTemp(a.folder, ".incoming-*")
	if err != nil {
		return nil, err
	}
	err = errors.Join(os.Remove(out.Name()), redact(out, f, info.Size(), cut, a.zone, telemetry.At(a.now()), a.signer))
	if err == nil {
		_, err = out.Seek(0, io.SeekStart)
	}
	if err != nil {
		return nil, errors.Join(err, out.Close())
	}
	return out, nil
}

var errRedacted = errors.New("only a whole, unredacted seal is redacted")

// redact writes a copy of a sealed file without what cut names.
func redact(w io.Writer, r io.ReaderAt, size int64, cut Cut, zone *time.Location, at telemetry.Millis, signer note.Signer) error {
	c, faults := unpack(r, size)
	var m Manifest
	if len(faults) > 0 || c.find(redactionName) >= 0 || !parse(c.read(manifestName), &m) {
		return errRedacted
	}
	secrets, err := secretsOf(c.read(secretsName))
	if err != nil {
		return err
	}
	secrets = slices.DeleteFunc(secrets, func(s tasks.Secret) bool { return slices.Contains(cut.Fields, s.Field) })
	events, err := read(linesOf(c.read(eventsName)))
	if err != nil {
		return err
	}
	said := Redaction{V: version, Statement: sum(c.read(statementName)), At: at}
	all := []entry{c.entry(c.find(eventsName))}
	var shown []Listed
	var originals []entry
	for _, l := range m.Entries {
		switch {
		case !strings.HasPrefix(l.Name, evidenceDir):
		case cut.Evidence:
			said.Withheld = append(said.Withheld, l.Name)
		default:
			shown, originals = append(shown, l), append(originals, c.entry(c.find(l.Name)))
		}
	}
	page, err := document(paper{Manifest: m, Events: revealed(events, secrets), Evidence: shown, Zone: zone, Blind: blind(secrets), Redacted: true})
	if err != nil {
		return err
	}
	left := writtenLines(secrets)
	said.Entries = []Listed{listed(secretsName, left), listed(documentName, page)}
	all = append(all, held(secretsName, left), held(documentName, page))
	all = append(all, originals...)
	for _, name := range []string{manifestName, statementName, proofName, signedName} {
		all = append(all, c.entry(c.find(name)))
	}
	return packRedacted(w, all, written(said), signer)
}

// packRedacted signs the redaction and writes the copy.
func packRedacted(w io.Writer, all []entry, redaction []byte, signer note.Signer) error {
	signed, err := note.Sign(&note.Note{Text: redactionText(redaction)}, signer)
	if err != nil {
		return err
	}
	return pack(w, append(all, held(redactionName, redaction), held(redactedName, signed)))
}

// linesOf splits events.jsonl. A last line without its end stays a line.
func linesOf(b []byte) [][]byte {
	if len(b) == 0 {
		return nil
	}
	return bytes.Split(bytes.TrimSuffix(b, []byte("\n")), []byte("\n"))
}
