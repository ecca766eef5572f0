package archive

import (
	"fmt"
	"strings"
	"time"
)

// Code says for programs what is wrong; the texts are in words.go.
type Code string

// The codes of faults.
const (
	BadRecord    Code = "record"    // a ZIP record is not the one that its entry demands
	BadEnd       Code = "end"       // the file ends early, or goes on after its end
	BadContent   Code = "content"   // an entry's bytes are not those that were sealed
	BadList      Code = "list"      // an entry is missing, unknown, repeated or out of order
	BadEvent     Code = "event"     // an event is not the one that was sealed
	BadChain     Code = "chain"     // an event does not follow the one before
	BadSecret    Code = "secret"    // a personal value is not the one that was committed
	BadEvidence  Code = "evidence"  // an original is not the one that an event names
	BadManifest  Code = "manifest"  // the manifest is not the one that was sealed
	BadStatement Code = "statement" // the statement and the rest contradict each other
	BadProof     Code = "proof"     // the log's checkpoint does not cover the statement
	BadSignature Code = "signature" // the checkpoint or the redaction was not signed by the key
	BadHistory   Code = "history"   // the log tells two stories
)

// Fault is one thing that is wrong, and where. Event is 0 when no single event
// is meant; To is 0 when no single place in the file is.
type Fault struct {
	Code     Code   `json:"code"`
	Entry    string `json:"entry,omitempty"` // file inside
	Event    uint64 `json:"event,omitempty"` // seq
	From, To int64  `json:"-"`               // bytes of the sealed file, [From, To)
	Detail   string `json:"detail,omitempty"`
}

// Text tells the fault in "zh" or "en".
func (f Fault) Text(lang string) string {
	var b strings.Builder
	b.WriteString(say(lang, string(f.Code)))
	if f.Entry != "" {
		fmt.Fprintf(&b, say(lang, "in entry"), f.Entry)
	}
	if f.Event != 0 {
		fmt.Fprintf(&b, say(lang, "in event"), f.Event)
	}
	if f.To != 0 {
		fmt.Fprintf(&b, say(lang, "in bytes"), f.From, f.To-1)
	}
	if f.Detail != "" {
		b.WriteString(say(lang, "detail") + f.Detail)
	}
	return b.String()
}

// Report is what a verifier found out about one sealed case.
type Report struct {
	Case     string     `json:"case"`
	Number   string     `json:"number"`
	Seal     int        `json:"seal"` // 1 for the first
	Events   int        `json:"events"`
	Entries  int        `json:"entries"`
	Index    int64      `json:"index"` // of its statement in the log
	Size     int64      `json:"size"`  // of the log at the checkpoint
	At       int64      `json:"at"`    // ms since 1970
	Former   string     `json:"former,omitempty"`
	Withheld []Withheld `json:"withheld,omitempty"`
	Missing  []string   `json:"missing,omitempty"` // evidence that events name and that never came
	Faults   []Fault    `json:"faults,omitempty"`
	// Recordings are those of calls that the case names; they are kept beside
	// it, and verified against this.
	Recordings []Recorded `json:"recordings,omitempty"`

	Redacted  bool   `json:"redacted,omitempty"`
	statement []byte // for comparing several seals
	root      string
}

// Recorded is a recorded call and the hash of the last entry of its chain.
type Recorded struct {
	Call string `json:"call"`
	Head string `json:"head"`
}

// Withheld is something that was sealed and is not shown. Its commitment is
// part of the proof all the same.
type Withheld struct {
	Event uint64 `json:"event,omitempty"`
	Field string `json:"field,omitempty"`
	Entry string `json:"entry,omitempty"`
}

// OK reports whether nothing is wrong.
func (r *Report) OK() bool { return len(r.Faults) == 0 }

func (r *Report) fault(f Fault) { r.Faults = append(r.Faults, f) }

// Lines tells the report of the file called name, a line for the verdict and
// one for each fault and each thing withheld, in "zh" or "en".
func (r *Report) Lines(name, lang string) []string {
	verdict := say(lang, "ok")
	if !r.OK() {
		verdict = say(lang, "bad")
	}
	if r.Redacted {
		verdict += say(lang, "redacted")
	}
	first := fmt.Sprintf(say(lang, "unread"), name, verdict)
	if r.Case != "" {
		at := time.UnixMilli(r.At).Format(time.DateTime + " -07:00")
		first = fmt.Sprintf(say(lang, "sealed"), name, verdict, r.Number, r.Seal, r.Events, r.Entries, r.Index, r.Size, at)
	}
	out := []string{first}
	for _, f := range r.Faults {
		out = append(out, "  "+f.Text(lang))
	}
	for _, w := range r.Withheld {
		line := fmt.Sprintf(say(lang, "file"), w.Entry)
		if w.Event != 0 {
			line = fmt.Sprintf(say(lang, "field"), w.Event, fieldWord(lang, w.Field))
		}
		out = append(out, "  "+line)
	}
	for _, hash := range r.Missing {
		out = append(out, "  "+fmt.Sprintf(say(lang, "missing"), hash))
	}
	return out
}
