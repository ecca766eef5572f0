package archive

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"gridhub/devices/telemetry"
	"gridhub/hub/identity"
	"gridhub/hub/tasks"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// version is that of the format; see FORMAT.md.
const version = 1

// The names inside a sealed case, in the order in which they stand there;
// evidence stands between document and manifest.
const (
	eventsName    = "events.jsonl"
	secretsName   = "secrets.jsonl"
	documentName  = "document.html"
	evidenceDir   = "evidence/"
	manifestName  = "manifest.json"
	statementName = "seal.json"
	proofName     = "proof.json"
	signedName    = "checkpoint"
	redactionName = "redaction.json"
	redactedName  = "redaction.note"
)

// Manifest lists what is sealed.
type Manifest struct {
	V       int             `json:"v"`
	Case    identity.CaseID `json:"case"`
	Number  string          `json:"number"`
	Seal    int             `json:"seal"`             // 1 for the case's first
	Former  string          `json:"former,omitempty"` // hex SHA-256 of the statement of the seal before
	Matter  string          `json:"matter"`
	Name    string          `json:"name"` // of the matter
	Clocks  []tasks.Clock   `json:"clocks"`
	Events  []string        `json:"events"`            // hex SHA-256 of each line of events.jsonl
	Entries []Listed        `json:"entries"`           // every other file, in order
	Missing []string        `json:"missing,omitempty"` // evidence that events name and that is not kept
}

// Listed is one entry of a manifest.
type Listed struct {
	Name   string `json:"name"`
	SHA256 string `json:"sha256"`
	Size   int64  `json:"size"`
}

// Statement is what the log records of one seal: one leaf of the tree.
type Statement struct {
	V        int              `json:"v"`
	Case     identity.CaseID  `json:"case"`
	Seal     int              `json:"seal"`
	Events   int              `json:"events"`
	Head     string           `json:"head"`     // hash of the newest event
	Manifest string           `json:"manifest"` // hex SHA-256 of manifest.json
	At       telemetry.Millis `json:"at"`
}

// proof says where in the log a statement stands.
type proof struct {
	Index  int64       `json:"index"`
	Size   int64       `json:"size"`
	Hashes []tlog.Hash `json:"hashes"`
}

// Checkpoint is the log's head at one time.
type Checkpoint struct {
	Size int64  `json:"size"`
	Root string `json:"root" doc:"base64 of the root of the Merkle tree (RFC 6962)"`
	Note string `json:"note" doc:"the signed note: origin, size, root, signature"`
}

// origin begins each checkpoint, and is the name of the key.
const origin = "gridhub-archive"

// body is what is signed.
func (c Checkpoint) body() string { return fmt.Sprintf("%s\n%d\n%s\n", origin, c.Size, c.Root) }

var errCheckpoint = errors.New("this is no checkpoint of a case archive")

// parseCheckpoint reads a checkpoint without asking who signed it. Only the
// one way of writing it is accepted.
func parseCheckpoint(signed []byte) (Checkpoint, tlog.Hash, error) {
	text, _, ok := strings.Cut(string(signed), "\n\n")
	c := Checkpoint{Note: string(signed)}
	lines := strings.Split(text, "\n")
	if !ok || len(lines) != 3 {
		return c, tlog.Hash{}, errCheckpoint
	}
	if _, err := fmt.Sscan(lines[1], &c.Size); err != nil {
		return c, tlog.Hash{}, errCheckpoint
	}
	root, err := tlog.ParseHash(lines[2])
	c.Root = root.String()
	if err != nil || c.body() != text+"\n" || !canonicalNote(signed) {
		return c, tlog.Hash{}, errCheckpoint
	}
	return c, root, nil
}

// canonicalNote reports whether a note has one signature, written in the one
// way of base64: decoding ignores the last bits of the last digit.
func canonicalNote(signed []byte) bool {
	_, tail, _ := bytes.Cut(signed, []byte("\n\n"))
	fields := strings.Split(string(tail), " ")
	if len(fields) != 3 || fields[0] != "—" || !strings.HasSuffix(fields[2], "\n") {
		return false
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(strings.TrimSuffix(fields[2], "\n"))
	return err == nil && base64.StdEncoding.EncodeToString(raw)+"\n" == fields[2]
}

// signedBy returns a note's text when v has signed it.
func signedBy(signed []byte, v note.Verifier) (string, bool) {
	n, err := note.Open(signed, note.VerifierList(v))
	if err != nil || !canonicalNote(signed) {
		return "", false
	}
	return n.Text, true
}

func sum(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}

// written is v as a sealed case holds it.
func written(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // plain values
	}
	return append(b, '\n')
}

// parse reads what written wrote, and nothing else.
func parse(b []byte, into any) bool {
	return json.Unmarshal(b, into) == nil && bytes.Equal(written(into), b)
}
