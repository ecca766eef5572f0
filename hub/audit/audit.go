// Package audit is the record of who did and who looked at what: entries that
// are only ever added, each holding the hash of the one before, in the hub's
// database. LINE.md says every byte.
//
// It promises that Append returns when the entry is durable, and AppendTx that
// the entry and the act it tells of happen together or not at all; that Verify,
// and Examine on an exported file, find an entry that was changed, removed or
// moved and name the first; and that a signed head, kept outside the database,
// shows when the newest entries were cut off. Entries hold the ids of accounts,
// people and things, never a phone number or the words of a case: what looks
// like a telephone number is masked. It leaves out which acts are recorded,
// which is for those who own them, and who may read (api).
package audit

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"gridhub/devices/telemetry"
	"gridhub/hub/store"
)

// Entry is one act.
type Entry struct {
	At      time.Time         // when; zero: now
	Account string            // who asked; "system" for what the hub does by itself, "anyone" for who has not signed in
	Person  string            // the member of staff behind the account, if any
	Act     string            // dotted words, from the general to the special: track.look
	Subject string            // id of what was acted on
	Reason  string            // why, in the words of who did it
	From    string            // network address
	Detail  map[string]string // little and short: what else one must know
}

// The accounts of acts that no signed-in person does.
const (
	System = "system"
	Anyone = "anyone"
)

// Options say how a log is kept.
type Options struct {
	Now func() time.Time // required
	// Head is the file that the newest signed head is kept in, outside the
	// database; empty: none.
	Head string
	// Sign signs a text for those who hold the hub's public key, and Open reads
	// it back, refusing what was not signed so. Required with Head.
	Sign func(text string) (string, error)
	Open func(signed string) (string, error)
	Log  *slog.Logger
}

// Log is the record. It is safe for concurrent use.
type Log struct {
	db  *store.DB
	o   Options
	sig sync.Mutex // one head is signed at a time
}

// Open prepares the table. Nothing is written before Append or Run.
func Open(ctx context.Context, db *store.DB, o Options) (*Log, error) {
	if o.Now == nil || o.Head != "" && (o.Sign == nil || o.Open == nil) {
		return nil, errors.New("audit: want a clock, and a signer where a head is kept")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if err := db.Migrate(ctx, "audit", migrations...); err != nil {
		return nil, err
	}
	return &Log{db: db, o: o}, nil
}

// Append adds an entry. When it returns nil the entry is durable; otherwise
// nothing was added, and an act that must not happen unseen is not done.
func (l *Log) Append(ctx context.Context, e Entry) error {
	return l.db.Write(ctx, func(tx *store.Tx) error { return l.AppendTx(ctx, tx, e) })
}

// AppendTx adds an entry within a transaction that does the act itself.
func (l *Log) AppendTx(ctx context.Context, tx *store.Tx, e Entry) error {
	if e.At.IsZero() {
		e.At = l.o.Now()
	}
	r, err := newRecord(e)
	if err != nil {
		return err
	}
	err = tx.QueryRow(ctx, newest).Scan(&r.N, &r.Prev)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("audit: %w", err)
	}
	r.N++
	line := r.bytes()
	_, err = tx.Exec(ctx, insert, r.N, int64(r.At), r.Account, r.Person, r.Act, r.Subject, line, sum(line))
	if err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	return nil
}

// Record is an entry as it stands in the chain.
type Record struct {
	N       int64             `json:"n"` // 1 for the first
	At      telemetry.Millis  `json:"at"`
	Account string            `json:"account"`
	Person  string            `json:"person,omitempty"`
	Act     string            `json:"act"`
	Subject string            `json:"subject,omitempty"`
	Reason  string            `json:"reason,omitempty"`
	From    string            `json:"from,omitempty"`
	Detail  map[string]string `json:"detail,omitempty"`
	Prev    string            `json:"prev"` // hex SHA-256 of the entry before; empty in the first
}
