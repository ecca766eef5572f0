package audit

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	"gridhub/devices/telemetry"
	"gridhub/streams/journal/fsx"
)

// The acts that the log itself writes.
const (
	cutAct   = "audit.cut"   // what was signed is not there any more
	beginAct = "audit.begin" // there is no signed head: the log is new, or comes from a backup
)

// origin begins each signed head.
const origin = "gridhub-audit"

// head is the newest entry at one time.
type head struct {
	N    int64
	Hash string
	At   telemetry.Millis
}

// text is what is signed.
func (h head) text() string { return fmt.Sprintf("%s\n%d\n%s\n%d\n", origin, h.N, h.Hash, h.At) }

// parseHead reads what text wrote, and nothing else.
func parseHead(text string) (head, error) {
	var h head
	lines := strings.Split(text, "\n")
	if len(lines) == 5 {
		_, _ = fmt.Sscan(lines[1], &h.N) // what is not read is not written either
		_, _ = fmt.Sscan(lines[3], &h.At)
		h.Hash = lines[2]
	}
	if h.text() != text {
		return head{}, fmt.Errorf("no head of an audit log: %w", errForeign)
	}
	return h, nil
}

// signEvery is how long the newest entries may be without a signature: who cuts
// off no more than these leaves no trace.
const signEvery = 10 * time.Second

// Run signs the newest entry every ten seconds, if there are new ones, and once
// more when ctx ends. A failure is logged and tried again.
func (l *Log) Run(ctx context.Context) error {
	if l.o.Head == "" {
		<-ctx.Done()
		return nil
	}
	tick := time.NewTicker(signEvery)
	defer tick.Stop()
	for {
		if err := l.anchor(context.WithoutCancel(ctx)); err != nil {
			l.o.Log.Error("the head of the audit log cannot be signed", "error", err)
		}
		if ctx.Err() != nil {
			return nil
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

// anchor signs the newest entry and puts it into the file. A signed head that
// the table contradicts is kept aside, and an entry tells of it for ever.
func (l *Log) anchor(ctx context.Context) error {
	l.sig.Lock()
	defer l.sig.Unlock()
	old, err := l.signed()
	if err == nil {
		err = l.holds(ctx, old)
	}
	switch {
	case errors.Is(err, errForeign):
		l.o.Log.Error("the audit log is not the one whose head was signed", "error", err)
		err = l.setAside(ctx, old, err)
	case err == nil && old.N == 0:
		err = l.Append(ctx, Entry{Account: System, Act: beginAct})
	}
	if err != nil {
		return err
	}
	h, err := l.newest(ctx)
	if err != nil || h.N == old.N {
		return err
	}
	signed, err := l.o.Sign(h.text())
	if err != nil {
		return err
	}
	return fsx.Replace(l.o.Head, []byte(signed))
}

// errForeign says that a signed head and the table do not belong together.
var errForeign = errors.New("not what was signed")

// setAside keeps the file of a head that the table contradicts under another
// name, after the chain says so.
func (l *Log) setAside(ctx context.Context, old head, why error) error {
	now := l.o.Now()
	err := l.Append(ctx, Entry{At: now, Account: System, Act: cutAct, Subject: strconv.FormatInt(old.N, 10),
		Detail: map[string]string{"hash": old.Hash, "error": why.Error()}})
	if err != nil {
		return err
	}
	return os.Rename(l.o.Head, fmt.Sprintf("%s.%s", l.o.Head, now.UTC().Format("20060102T150405.000")))
}

// Signed is the newest signed head, for those who keep it elsewhere; empty when
// there is none.
func (l *Log) Signed() (string, error) {
	if l.o.Head == "" {
		return "", nil
	}
	b, err := os.ReadFile(l.o.Head)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return string(b), err
}

// signed reads the file; a head without number is none.
func (l *Log) signed() (head, error) {
	s, err := l.Signed()
	if err != nil || s == "" {
		return head{}, err
	}
	text, err := l.o.Open(s)
	if err != nil {
		return head{}, fmt.Errorf("%s: %w: %w", l.o.Head, errForeign, err)
	}
	return parseHead(text)
}

// holds says whether the table has what was signed.
func (l *Log) holds(ctx context.Context, h head) error {
	if h.N == 0 {
		return nil
	}
	var hash string
	err := l.db.QueryRow(ctx, `SELECT hash FROM audit WHERE n = ?`, h.N).Scan(&hash)
	if errors.Is(err, sql.ErrNoRows) || err == nil && hash != h.Hash {
		return fmt.Errorf("entry %d: %w", h.N, errForeign)
	}
	return err
}

func (l *Log) newest(ctx context.Context) (head, error) {
	h := head{At: telemetry.At(l.o.Now())}
	err := l.db.QueryRow(ctx, newest).Scan(&h.N, &h.Hash)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return h, err
}
