// Package archive seals cases. When a case is archived, its chain of events,
// the personal values behind its commitments, the originals of its evidence and
// a document for people become one file, whose statement is recorded in an
// append-only Merkle log with signed checkpoints. FORMAT.md says every byte.
//
// It promises that each archiving is sealed exactly once, across restarts, and
// that a reopened case gets a further seal that names the one before; that a
// sealed file is verified offline with the public key alone, each altered byte
// being found and located; that a redacted one still verifies and says what is
// withheld. It leaves out who may archive (tasks), who may download and that it
// is recorded (api), and how long files are kept.
package archive

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"gridhub/devices/telemetry"
	"gridhub/hub/identity"
	"gridhub/hub/store"

	"golang.org/x/mod/sumdb/note"
)

// ErrNotFound says that there is no such seal.
var ErrNotFound = errors.New("no such seal")

// Options say how an archive is made. All but Log are required.
type Options struct {
	Folder   string // for sealed files and the signing key; made if missing, mode 0700
	Pool     Pool
	Evidence Originals
	Zone     *time.Location // in which documents tell the time
	Clock    func() time.Time
	Log      *slog.Logger
}

// Archive seals cases and gives sealed files out. It is safe for concurrent
// use; one archive at a time may own a folder.
type Archive struct {
	db       *store.DB
	folder   string
	pool     Pool
	evidence Originals
	zone     *time.Location
	now      func() time.Time
	log      *slog.Logger
	signer   note.Signer
	public   string
	told     chan identity.CaseID // when full, missed is set, and the next look at all archived cases finds the rest
	missed   atomic.Bool
	failed   atomic.Pointer[error] // the newest failure, nil once everything is sealed
}

// waiting bounds the cases that were archived and are not looked at yet.
const waiting = 256

// Open prepares the tables, the folder and the key. Nothing is sealed before
// Run.
func Open(ctx context.Context, db *store.DB, o Options) (*Archive, error) {
	if o.Folder == "" || o.Pool == nil || o.Evidence == nil || o.Zone == nil || o.Clock == nil {
		return nil, errors.New("archive: want a folder, a pool, evidence, a time zone and a clock")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if err := db.Migrate(ctx, "archive", migrations...); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(o.Folder, 0o700); err != nil {
		return nil, fmt.Errorf("archive folder: %w", err)
	}
	a := &Archive{db: db, folder: o.Folder, pool: o.Pool, evidence: o.Evidence, zone: o.Zone, now: o.Clock, log: o.Log,
		told: make(chan identity.CaseID, waiting)}
	size, err := a.treeSize(ctx)
	if err != nil {
		return nil, err
	}
	a.signer, a.public, err = openKey(o.Folder, size == 0)
	return a, err
}

// PublicKey is what a verifier needs, as one line of text.
func (a *Archive) PublicKey() string { return a.public }

// Healthy says what keeps an archived case from being sealed, nil when nothing
// does. It is tried again every minute.
func (a *Archive) Healthy() error {
	if err := a.failed.Load(); err != nil {
		return *err
	}
	return nil
}

// path is where a sealed file lies.
func (a *Archive) path(id identity.CaseID, seal int) string {
	return filepath.Join(a.folder, fmt.Sprintf("%s-%d.zip", id, seal))
}

// Seal is one sealing of a case.
type Seal struct {
	Case   identity.CaseID  `json:"case"`
	Seal   int              `json:"seal"`   // 1 for the first
	Events int              `json:"events"` // how many it covers
	Index  int64            `json:"index"`  // in the log
	At     telemetry.Millis `json:"at"`
	Ready  bool             `json:"ready"` // the file can be downloaded
}
