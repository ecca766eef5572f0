package commands

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"

	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
	"gridhub/streams/journal/fsx"
)

// maxRemembered bounds the orders in the book; one more is refused. An order
// leaves when its outcome was told and the hub's own word says that its time is
// over, so that no replay of it can be taken for new.
const maxRemembered = 512

// entry is one order and how far it has come.
type entry struct {
	Order  wire.Order    `json:"order"`
	Begun  bool          `json:"begun,omitempty"` // something may have been sent to the device
	Stages []wire.Result `json:"stages"`
	Said   int           `json:"said,omitempty"` // stages whose PUBACK came; written with the next change
}

// newest is how far the order has come.
func (e *entry) newest() wire.Result { return e.Stages[len(e.Stages)-1] }

// ended reports whether the outcome is known.
func (e *entry) ended() bool { return e.newest().State != wire.Accepted }

// page is what the file holds.
type page struct {
	V      int              `json:"v"`
	Now    telemetry.Millis `json:"now"`             // the greatest now that was ever verified
	Since  telemetry.Millis `json:"since,omitempty"` // the memory before was lost: nothing older is done
	Orders []*entry         `json:"orders"`          // as they came
}

// book is the durable memory: one small file, written anew with each change
// and put in place when it is on the disk. At any instant the old or the new
// one is there, whole.
type book struct {
	disk fsx.FS
	path string
	page
}

// errDamaged means that the file is there and is not what was written.
var errDamaged = errors.New("the memory of commands is damaged")

// openBook reads the book in dir. With errDamaged it is empty and usable; the
// damaged file stands beside it.
func openBook(disk fsx.FS, dir string) (*book, error) {
	if err := disk.MkdirAll(dir); err != nil {
		return nil, fmt.Errorf("commands: %w", err)
	}
	b := &book{disk: disk, path: filepath.Join(dir, "orders"), page: page{V: 1}}
	text, err := read(disk, b.path)
	if errors.Is(err, fs.ErrNotExist) {
		return b, nil
	}
	if err != nil {
		return nil, fmt.Errorf("commands: %w", err)
	}
	if err := b.decode(text); err != nil {
		b.page = page{V: 1}
		if err := disk.Rename(b.path, b.path+".damaged"); err != nil {
			return nil, fmt.Errorf("commands: %w", err)
		}
		return b, errDamaged
	}
	return b, nil
}

func read(disk fsx.FS, path string) ([]byte, error) {
	f, err := disk.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		return nil, err
	}
	text := make([]byte, size)
	if _, err := f.ReadAt(text, 0); err != nil && size > 0 {
		return nil, err
	}
	return text, nil
}

// decode reads what encode wrote.
func (b *book) decode(text []byte) error {
	sum, body, ok := bytes.Cut(text, []byte("\n"))
	if !ok || string(sum) != checksum(body) {
		return errDamaged
	}
	var p page
	if err := json.Unmarshal(body, &p); err != nil || p.V != 1 {
		return errDamaged
	}
	for _, e := range p.Orders {
		if e == nil || len(e.Stages) == 0 || e.Said > len(e.Stages) {
			return errDamaged
		}
	}
	b.page = p
	return nil
}

// encode writes the SHA-256 of the page, a line feed and the page as JSON.
func (b *book) encode() ([]byte, error) {
	body, err := json.Marshal(b.page)
	if err != nil {
		return nil, err
	}
	return append([]byte(checksum(body)+"\n"), body...), nil
}

func checksum(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

// save returns when the book is on the disk. After an error the old one is
// there, or the new one; a file whose sync failed is never tried again.
func (b *book) save() error {
	b.Orders = slices.DeleteFunc(b.Orders, func(e *entry) bool {
		return e.ended() && e.Said == len(e.Stages) && b.Now >= e.Order.Expires
	})
	text, err := b.encode()
	if err != nil {
		return fmt.Errorf("commands: %w", err)
	}
	next := b.path + ".new"
	if err := write(b.disk, next, text); err != nil {
		return fmt.Errorf("commands: %w", err)
	}
	if err := b.disk.Rename(next, b.path); err != nil {
		return fmt.Errorf("commands: %w", err)
	}
	if err := b.disk.SyncDir(filepath.Dir(b.path)); err != nil {
		return fmt.Errorf("commands: %w", err)
	}
	return nil
}

func write(disk fsx.FS, path string, text []byte) error {
	f, err := disk.Create(path)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(text, 0)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// find returns the order id, nil if it is not remembered.
func (b *book) find(id string) *entry {
	for _, e := range b.Orders {
		if e.Order.ID == id {
			return e
		}
	}
	return nil
}

// open counts the orders whose outcome is not known.
func (b *book) open() (n int) {
	for _, e := range b.Orders {
		if !e.ended() {
			n++
		}
	}
	return n
}
