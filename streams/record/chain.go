package record

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"gridhub/streams/journal/fsx"
)

// Kind is what an entry of the chain tells.
type Kind string

// The kinds of entries.
const (
	Began    Kind = "began"   // first of all: which call
	PartOf   Kind = "part"    // a part begins
	PieceOf  Kind = "piece"   // a stretch of a part's bytes is durable
	Gap      Kind = "gap"     // something is missing
	Resumed  Kind = "resumed" // another process goes on after an interruption
	Ended    Kind = "ended"   // the recording is complete
	Erased   Kind = "erased"  // its parts were removed
	version       = 1
	chainExt      = ".chain"
	maxEntry      = 64 << 10
)

// Why something is missing.
const (
	Lost    = "lost"    // packets that never came
	Away    = "away"    // the person's connection, or nothing was sent
	Restart = "restart" // the recording process was interrupted
	Behind  = "behind"  // the disk was too slow, the ring went round
)

// Entry is one line of the chain.
type Entry struct {
	V    int       `json:"v"`
	N    int       `json:"n"` // 1, 2, 3, …
	Prev string    `json:"prev"`
	Kind Kind      `json:"kind"`
	At   time.Time `json:"at"` // of writing, on the hub's clock

	Call      string     `json:"call,omitempty"`
	Task      string     `json:"task,omitempty"`
	Policy    string     `json:"policy,omitempty"`
	Announced *time.Time `json:"announced,omitempty"`
	Zero      *time.Time `json:"zero,omitempty"` // where the time bar begins

	Part   string  `json:"part,omitempty"`
	Person string  `json:"person,omitempty"`
	Media  []Media `json:"media,omitempty"`

	// Start and End are on the time bar, in milliseconds since the first
	// entry's Zero.
	Start int64 `json:"start_ms"`
	End   int64 `json:"end_ms,omitempty"`

	From   int64  `json:"from,omitempty"` // bytes [From, To) of the part
	To     int64  `json:"to,omitempty"`
	SHA256 string `json:"sha256,omitempty"`
	Key    bool   `json:"key,omitempty"` // a player can start with this piece

	Cause  string `json:"cause,omitempty"`
	Reason string `json:"reason,omitempty"`
	Who    string `json:"who,omitempty"` // with erased
}

// Media is one track of a part, in the order of the file's tracks.
type Media struct {
	Kind    string `json:"kind"` // audio or video
	Codec   string `json:"codec"`
	Width   int    `json:"width,omitempty"`
	Height  int    `json:"height,omitempty"`
	Private []byte `json:"private,omitempty"`
}

// chain appends entries to the newest of a recording's chain files. Each
// process begins a file of its own, so nothing is appended to what a crash may
// have torn.
type chain struct {
	file     fsx.File
	size     int64
	n        int
	head     string
	finished bool
}

func chainName(dir string, file int) string {
	return filepath.Join(dir, fmt.Sprintf("%04d%s", file, chainExt))
}

// createChain begins file number file after n entries, of which head is the
// hash of the last.
func createChain(fs fsx.FS, dir string, file int, head string, n int) (*chain, error) {
	f, err := fs.Create(chainName(dir, file))
	if err != nil {
		return nil, fmt.Errorf("chain of recording: %w", err)
	}
	return &chain{file: f, n: n, head: head}, fs.SyncDir(dir)
}

// write makes entries durable, in their order.
func (c *chain) write(now time.Time, entries ...Entry) error {
	if c.finished {
		return ErrFinished
	}
	var b bytes.Buffer
	n, head := c.n, c.head
	for _, e := range entries {
		n++
		e.V, e.N, e.Prev, e.At = version, n, head, now.UTC().Truncate(time.Millisecond)
		line, err := json.Marshal(e)
		if err != nil {
			return fmt.Errorf("chain of recording: %w", err)
		}
		head = sum(line)
		b.Write(append(line, '\n'))
		c.finished = e.Kind == Ended
	}
	if _, err := c.file.WriteAt(b.Bytes(), c.size); err != nil {
		return fmt.Errorf("chain of recording: %w", err)
	}
	if err := c.file.Sync(); err != nil {
		return fmt.Errorf("chain of recording: %w", err)
	}
	c.n, c.head, c.size = n, head, c.size+int64(b.Len())
	return nil
}

func (c *chain) close() error {
	if c.file == nil {
		return nil
	}
	f := c.file
	c.file = nil
	return f.Close()
}

func sum(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}

// links reads the lines of one chain file after n entries ending in head. It
// stops at the first line that does not follow, and returns how many bytes
// were good.
func links(b []byte, n int, head string) (entries []Entry, good int64, last string, err error) {
	last = head
	for len(b) > 0 {
		line, rest, whole := bytes.Cut(b, []byte("\n"))
		if !whole {
			return entries, good, last, errTorn
		}
		var e Entry
		d := json.NewDecoder(bytes.NewReader(line))
		d.DisallowUnknownFields()
		if len(line) > maxEntry || d.Decode(&e) != nil || e.V != version {
			return entries, good, last, fmt.Errorf("entry %d cannot be read", n+len(entries)+1)
		}
		if e.N != n+len(entries)+1 || e.Prev != last {
			return entries, good, last, fmt.Errorf("entry %d does not follow the one before", n+len(entries)+1)
		}
		entries, last = append(entries, e), sum(line)
		good += int64(len(line)) + 1
		b = rest
	}
	return entries, good, last, nil
}

var errTorn = errors.New("the last entry is not complete")

// chainFiles lists the chain files among names, in order.
func chainFiles(names []string) (out []string) {
	for _, n := range names {
		if strings.HasSuffix(n, chainExt) {
			out = append(out, n)
		}
	}
	return out
}
