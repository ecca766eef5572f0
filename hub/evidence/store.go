package evidence

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"gridhub/devices/telemetry"
	"gridhub/hub/store"
)

// ErrNotFound says that no such evidence is kept.
var ErrNotFound = errors.New("no such evidence")

// The forms of an item. A document has the original only, a video the original and
// one that is marked by nothing but has lost what its camera wrote into it.
const (
	Original = "original" // the bytes as they came
	Marked   = "marked"   // upright, at most 2048 pixels, with the watermark
	Thumb    = "thumb"    // upright, at most 320 pixels
)

// MaxBytes is the largest original that is no video.
const MaxBytes = 20 << 20

// renderers bounds the pictures that are decoded at one time, each of which
// may take 200 MB; further uploads wait for their turn.
const renderers = 2

// Config says how a Store is made.
type Config struct {
	Folder  string                                     // for the files; made if missing
	Zone    *time.Location                             // in which the watermark tells the time
	Caption func(ctx context.Context, m Meta) []string // further lines of the watermark (who, what, where); may be nil
	Clock   func() time.Time
}

// Store keeps evidence: files in a folder, what is known of them in the
// database. It is safe for concurrent use.
type Store struct {
	config Config
	db     *store.DB
	blobs  blobs
	slots  chan struct{}
}

// Open makes a store ready and migrates its tables.
func Open(ctx context.Context, db *store.DB, c Config) (*Store, error) {
	if c.Zone == nil || c.Clock == nil || c.Folder == "" {
		return nil, errors.New("evidence: want a folder, a time zone and a clock")
	}
	if err := db.Migrate(ctx, "evidence", migrations...); err != nil {
		return nil, err
	}
	b, err := openBlobs(c.Folder)
	if err != nil {
		return nil, fmt.Errorf("evidence folder: %w", err)
	}
	s := &Store{config: c, db: db, blobs: b, slots: make(chan struct{}, renderers)}
	return s, s.rememberAll(ctx)
}

// Put keeps what body holds. When it returns, the original and its entry are
// durable. The same bytes again return the first entry, whatever m says now:
// a photo was taken once. Errors: *tasks.RefusedError for what is no
// acceptable file.
func (s *Store) Put(ctx context.Context, m Meta, body io.Reader) (Item, error) {
	f, err := s.blobs.temporary()
	if err != nil {
		return Item{}, fmt.Errorf("evidence: %w", err)
	}
	defer discard(f)
	hash, size, err := receive(f, body, MaxVideo)
	if errors.Is(err, errTooLarge) {
		return Item{}, refused(fmt.Sprintf("the file is larger than %d MB", MaxVideo>>20))
	}
	if err != nil {
		return Item{}, fmt.Errorf("evidence: %w", err)
	}
	if known, err := s.Get(ctx, hash); !errors.Is(err, ErrNotFound) {
		return known, err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return Item{}, fmt.Errorf("evidence: %w", err)
	}
	item := Item{Meta: m, Hash: hash, Size: size, Received: telemetry.At(s.config.Clock())}
	if item.Type, err = inspect(f); err != nil {
		return Item{}, err
	}
	if most := largest(item.Type); size > most {
		return Item{}, refused(fmt.Sprintf("the file is larger than %d MB", most>>20))
	}
	item.Caption = s.caption(ctx, m)
	if item.Look, err = s.render(ctx, f, item); err != nil {
		return Item{}, err
	}
	if err := s.blobs.keep(f, hash, Original); err != nil {
		return Item{}, fmt.Errorf("evidence: %w", err)
	}
	return s.insert(ctx, item)
}

// caption is when and where the terminal says it was, then what the hub knows.
func (s *Store) caption(ctx context.Context, m Meta) []string {
	lines := slices.Clone(m.Caption)
	if s.config.Caption != nil {
		lines = append(lines, s.config.Caption(ctx, m)...)
	}
	lines = append(lines, m.At.Time().In(s.config.Zone).Format("2006-01-02 15:04:05"))
	if m.Place != nil {
		lines = append(lines, fmt.Sprintf("%.6f, %.6f ±%.0f m", m.Place.Lon, m.Place.Lat, m.Accuracy))
	} else {
		lines = append(lines, "无定位 no position")
	}
	return slices.DeleteFunc(lines, func(l string) bool { return strings.TrimSpace(l) == "" })
}

// render makes the forms of a picture beside the original.
func (s *Store) render(ctx context.Context, f *os.File, i Item) (Look, error) {
	if !picture(i.Type) {
		return 0, s.strip(f, i)
	}
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	marked, err := s.blobs.temporary()
	if err != nil {
		return 0, fmt.Errorf("evidence: %w", err)
	}
	defer discard(marked)
	thumb, err := s.blobs.temporary()
	if err != nil {
		return 0, fmt.Errorf("evidence: %w", err)
	}
	defer discard(thumb)
	look, err := render(f, i.Type, i.Caption, marked, thumb)
	if err != nil {
		return 0, err
	}
	return look, errors.Join(s.blobs.keep(marked, i.Hash, Marked), s.blobs.keep(thumb, i.Hash, Thumb))
}

// Open returns a form of an item and its media type. A form that is missing is
// made again from the original. The caller closes it. Errors: ErrNotFound.
func (s *Store) Open(ctx context.Context, hash, form string) (io.ReadSeekCloser, string, error) {
	item, err := s.Get(ctx, hash)
	if err != nil {
		return nil, "", err
	}
	if form == Original || item.Type == PDF || item.Type == WebM {
		return opened(item.Type)(os.Open(s.blobs.path(hash, Original)))
	}
	if form != Marked && form != Thumb {
		return nil, "", fmt.Errorf("form %q: want %s, %s or %s", form, Original, Marked, Thumb)
	}
	if item.Type == MP4 {
		form = Marked
	}
	f, err := os.Open(s.blobs.path(hash, form))
	if errors.Is(err, os.ErrNotExist) {
		f, err = s.again(ctx, item, form)
	}
	if item.Type == MP4 {
		return opened(MP4)(f, err)
	}
	return opened(JPEG)(f, err)
}

// strip makes the form of a video that everybody may see.
func (s *Store) strip(f *os.File, i Item) error {
	if i.Type != MP4 {
		return nil
	}
	to, err := s.blobs.temporary()
	if err != nil {
		return fmt.Errorf("evidence: %w", err)
	}
	defer discard(to)
	if err := bare(to, f); err != nil {
		return refused("the video cannot be read: " + err.Error())
	}
	return s.blobs.keep(to, i.Hash, Marked)
}

// opened keeps a nil file from becoming a reader that is not nil.
func opened(kind string) func(*os.File, error) (io.ReadSeekCloser, string, error) {
	return func(f *os.File, err error) (io.ReadSeekCloser, string, error) {
		if err != nil {
			return nil, "", fmt.Errorf("evidence: %w", err)
		}
		return f, kind, nil
	}
}

// again makes the forms of an item once more and opens one.
func (s *Store) again(ctx context.Context, i Item, form string) (*os.File, error) {
	f, err := os.Open(s.blobs.path(i.Hash, Original))
	if err != nil {
		return nil, fmt.Errorf("evidence %s: %w", i.Hash, err)
	}
	defer f.Close()
	if _, err := s.render(ctx, f, i); err != nil {
		return nil, err
	}
	return os.Open(s.blobs.path(i.Hash, form))
}
