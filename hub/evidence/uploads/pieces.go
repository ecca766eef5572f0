package uploads

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"gridhub/devices/telemetry"
	"gridhub/hub/identity"
	"gridhub/hub/tasks"

	"github.com/tus/tusd/v2/pkg/handler"
)

// upload is one announced file, beside its bytes.
type upload struct {
	Info    handler.FileInfo
	Account string
	Person  identity.PersonID
	Touched telemetry.Millis
	Hash    string // of the evidence that it has become; its bytes are gone from here then
}

// pieces keeps each upload as two files: <id>.part, its bytes so far, of which the
// size is the offset, and <id>.json. (The library's own file store does not sync,
// and leaves the second file behind when an upload is dropped.)
type pieces struct {
	folder string
	now    func() time.Time
}

const told = ".json"

func (s pieces) bytes(id string) string { return filepath.Join(s.folder, id+".part") }
func (s pieces) about(id string) string { return filepath.Join(s.folder, id+told) }

// known reports whether an id can be one that NewUpload made.
func known(id string) bool {
	b, err := hex.DecodeString(id)
	return err == nil && len(b) == 16 && strings.ToLower(id) == id
}

// NewUpload makes an upload durable before anybody is told of it.
func (s pieces) NewUpload(ctx context.Context, info handler.FileInfo) (handler.Upload, error) {
	who, _ := ctx.Value(callerKey{}).(identity.Principal)
	id := make([]byte, 16)
	_, _ = rand.Read(id) // never fails (crypto/rand since Go 1.24)
	info.ID = hex.EncodeToString(id)
	f, err := os.OpenFile(s.bytes(info.ID), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		return nil, err
	}
	u := upload{Info: info, Account: who.Account, Person: who.Person}
	return &part{s, u}, s.write(u)
}

// GetUpload finds an upload for the library.
func (s pieces) GetUpload(_ context.Context, id string) (handler.Upload, error) {
	u, err := s.read(id)
	return &part{s, u}, err
}

// AsTerminatableUpload lets the library drop an upload.
func (s pieces) AsTerminatableUpload(u handler.Upload) handler.TerminatableUpload { return u.(*part) }

// read returns an upload with its offset; handler.ErrNotFound when there is none.
func (s pieces) read(id string) (upload, error) {
	if !known(id) {
		return upload{}, handler.ErrNotFound
	}
	data, err := os.ReadFile(s.about(id))
	if errors.Is(err, os.ErrNotExist) {
		return upload{}, handler.ErrNotFound
	}
	var u upload
	if err == nil {
		err = json.Unmarshal(data, &u)
	}
	if err != nil || u.Hash != "" {
		u.Info.Offset = u.Info.Size
		return u, err
	}
	info, err := os.Stat(s.bytes(id))
	if errors.Is(err, os.ErrNotExist) {
		return upload{}, handler.ErrNotFound // half removed
	}
	if err == nil {
		u.Info.Offset = info.Size()
	}
	return u, err
}

// write replaces what is told of an upload.
func (s pieces) write(u upload) error {
	u.Touched = telemetry.At(s.now())
	data, err := json.Marshal(u)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(s.folder, ".about-*") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), s.about(u.Info.ID))
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return s.sync()
}

func (s pieces) sync() error {
	d, err := os.Open(s.folder)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// ended remembers what an upload has become, for a client that did not hear it.
func (s pieces) ended(u upload, hash string) error {
	u.Hash = hash
	if err := s.write(u); err != nil {
		return err
	}
	return os.Remove(s.bytes(u.Info.ID))
}

// remove forgets an upload; what is gone already is no error.
func (s pieces) remove(id string) error {
	err1, err2 := os.Remove(s.bytes(id)), os.Remove(s.about(id))
	if errors.Is(err1, os.ErrNotExist) {
		err1 = nil
	}
	if errors.Is(err2, os.ErrNotExist) {
		err2 = nil
	}
	return errors.Join(err1, err2)
}

// list reads all uploads. Bytes that nothing is told of, which a crash leaves, are
// removed once they are a day old.
func (s pieces) list() (out []upload, err error) {
	names, err := os.ReadDir(s.folder)
	if err != nil {
		return nil, err
	}
	for _, n := range names {
		id, is := strings.CutSuffix(n.Name(), told)
		if !is {
			err = errors.Join(err, s.orphan(n))
			continue
		}
		u, bad := s.read(id)
		if bad != nil && !errors.Is(bad, handler.ErrNotFound) {
			err = errors.Join(err, fmt.Errorf("%s: %w", n.Name(), bad))
		} else if bad == nil {
			out = append(out, u)
		}
	}
	return out, err
}

func (s pieces) orphan(n os.DirEntry) error {
	id, _ := strings.CutSuffix(n.Name(), ".part")
	if _, err := os.Stat(s.about(id)); err == nil {
		return nil
	}
	info, err := n.Info()
	if err != nil || s.now().Sub(info.ModTime()) < 24*time.Hour {
		return nil // gone meanwhile, or just being made
	}
	return os.Remove(filepath.Join(s.folder, n.Name()))
}

// part is one upload in the library's hands, which holds its lock.
type part struct {
	pieces
	u upload
}

// WriteChunk appends what comes, and syncs it: an offset that was told survives a
// power cut.
func (p *part) WriteChunk(_ context.Context, _ int64, src io.Reader) (int64, error) {
	f, err := os.OpenFile(p.bytes(p.u.Info.ID), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return 0, err
	}
	n, err := io.Copy(f, src)
	p.u.Info.Offset += n
	return n, errors.Join(err, f.Sync(), f.Close(), p.write(p.u))
}

func (p *part) GetInfo(context.Context) (handler.FileInfo, error) { return p.u.Info, nil }

func (p *part) GetReader(context.Context) (io.ReadCloser, error) {
	return os.Open(p.bytes(p.u.Info.ID))
}

func (p *part) FinishUpload(context.Context) error { return nil } // complete does it

// Terminate drops an upload.
func (p *part) Terminate(context.Context) error { return p.remove(p.u.Info.ID) }

// holds compares a file with the sum that was announced, and goes back to its
// beginning. An upload that was put together wrongly is not kept.
func holds(f io.ReadSeeker, want string) error {
	if want == "" {
		return nil
	}
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return err
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != want {
		return &tasks.RefusedError{Code: "evidence", Reason: "the bytes that came are not those that were announced: their sum is " + got}
	}
	_, err := f.Seek(0, io.SeekStart)
	return err
}
