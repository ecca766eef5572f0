package backup_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gridhub/hub/backup"
	"gridhub/streams/journal"
)

// folder makes a data folder with a journal, a database and other files, and
// returns what a backup must hold.
func folder(t *testing.T) (backup.Source, map[string]string) {
	t.Helper()
	dir := t.TempDir()
	files := map[string]string{
		"hub.db": "live", "hub.db-wal": "live", "hub.sock": "", "setup-token": "secret",
		"intake/LOCK": "", "intake/cursors/history": "at 7", "intake/0000000000000001.seg": "durable and torn",
		"tls/ca.key": "key", "evidence/ab/cd": strings.Repeat("photo", 100_000), "evidence/ab/half.tmp": "half",
	}
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	src := backup.Source{Folder: dir, Version: "test", Journal: "intake", Now: time.Now(), Leave: []string{"hub.sock", "setup-token"},
		Extents: func() []journal.Extent {
			return []journal.Extent{{Name: "0000000000000000.seg", Size: 9}, {Name: "0000000000000001.seg", Size: 7}} // the first was removed meanwhile
		},
		Databases: []backup.Database{{Name: "hub.db", Beside: []string{"hub.db-wal"},
			Snapshot: func(_ context.Context, path string) error { return os.WriteFile(path, []byte("copy"), 0o600) }}},
	}
	return src, map[string]string{"intake/cursors/history": "at 7", "hub.db": "copy", "intake/0000000000000001.seg": "durable",
		"tls/ca.key": "key", "evidence/ab/cd": files["evidence/ab/cd"]}
}

func made(t *testing.T, src backup.Source) []byte {
	t.Helper()
	var b bytes.Buffer
	if _, err := backup.Write(t.Context(), &b, src); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestThereAndBack(t *testing.T) {
	src, want := folder(t)
	file := made(t, src)
	into := filepath.Join(t.TempDir(), "data")
	m, err := backup.Restore(bytes.NewReader(file), into)
	if err != nil || len(m.Files) != len(want) {
		t.Fatalf("%+v, %v", m, err)
	}
	if order := []string{m.Files[0].Name, m.Files[1].Name, m.Files[2].Name}; !slices.Equal(order, []string{"intake/cursors/history", "hub.db", "intake/0000000000000001.seg"}) {
		t.Errorf("the order is %v: cursors, databases and journal must follow one another", order)
	}
	have := map[string]string{}
	for _, f := range m.Files {
		b, err := os.ReadFile(filepath.Join(into, f.Name))
		if err != nil {
			t.Error(err)
		}
		have[f.Name] = string(b)
	}
	if !maps.Equal(have, want) {
		t.Errorf("have %v", slices.Sorted(maps.Keys(have)))
	}
	if _, err := backup.Restore(bytes.NewReader(file), into); !errors.Is(err, backup.ErrTaken) {
		t.Errorf("over what is there: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(src.Folder, "backup-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// A backup that was cut or changed anywhere is refused, and leaves no folder.
func TestDamage(t *testing.T) {
	src, _ := folder(t)
	file := made(t, src)
	try := func(what string, at int, b []byte) {
		t.Helper()
		into := filepath.Join(t.TempDir(), "data")
		if _, err := backup.Restore(bytes.NewReader(b), into); !errors.Is(err, backup.ErrDamaged) {
			t.Errorf("%s at %d of %d: %v", what, at, len(file), err)
		}
		if _, err := os.Stat(into); err == nil {
			t.Errorf("%s at %d: there is a folder", what, at)
		}
	}
	for at := 0; at < len(file); at += 1 + len(file)/71 {
		try("cut", at, file[:at])
	}
	inside := plain(t, file)
	for at := 0; at < len(inside); at += 1 + len(inside)/97 {
		bent := bytes.Clone(inside)
		bent[at] ^= 0x20
		m, err := backup.Verify(bytes.NewReader(zipped(t, bent)))
		if err == nil && !harmless(inside, at) {
			t.Errorf("changed at %d: %+v", at, m)
		}
	}
	for name := range map[string]bool{"../evil": true, "/etc/evil": true} {
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		if err := errors.Join(w.WriteHeader(&tar.Header{Name: name, Size: 1, Typeflag: tar.TypeReg}), write(w, "x"), w.Close()); err != nil {
			t.Fatal(err)
		}
		try(name, 0, zipped(t, b.Bytes()))
	}
}

// harmless says that a byte belongs to no file's contents or name: tar's own
// times and padding, and the manifest's words about the whole.
func harmless(inside []byte, at int) bool {
	block := inside[at/512*512:]
	manifest := bytes.Index(inside, []byte("gridhub-backup.json"))
	return at >= manifest || block[0] == 0 || at%512 >= len("intake/0000000000000001.seg") && bytes.Contains(block[:min(512, len(block))], []byte("ustar")) || inside[at] == 0
}

func write(w io.Writer, text string) error { _, err := io.WriteString(w, text); return err }

func plain(t *testing.T, b []byte) []byte {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	out, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func zipped(t *testing.T, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	if _, err := z.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// Each night one, a week of them; one that failed is tried again and told.
func TestNightly(t *testing.T) {
	src, _ := folder(t)
	into := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		var fault error
		n := &backup.Nightly{Config: backup.Config{Folder: into, At: "03:10", Keep: 3}, Zone: time.UTC, Now: time.Now, Log: slog.New(slog.DiscardHandler),
			Write: func(ctx context.Context, w io.Writer) error {
				if fault != nil {
					return fault
				}
				_, err := backup.Write(ctx, w, src)
				return err
			}}
		ctx, stop := context.WithCancel(t.Context())
		go n.Run(ctx)
		names := func() (out []string) {
			synctest.Wait()
			list, err := os.ReadDir(into)
			if err != nil {
				t.Error(err)
			}
			for _, e := range list {
				out = append(out, e.Name())
			}
			return out
		}
		if got := names(); len(got) != 1 { // the bubble's clock begins at midnight, 2000-01-01
			t.Fatalf("at the start: %v", got)
		}
		time.Sleep(5 * 24 * time.Hour)
		want := []string{"gridhub-20000103-031000.tar.gz", "gridhub-20000104-031000.tar.gz", "gridhub-20000105-031000.tar.gz"}
		if got := names(); !slices.Equal(got, want) || n.Healthy() != nil {
			t.Errorf("after five days: %v, %v", got, n.Healthy())
		}
		fault = errors.New("no room")
		time.Sleep(4 * time.Hour)
		if got := names(); !slices.Equal(got, want) || n.Healthy() == nil {
			t.Errorf("when it fails: %v, %v", got, n.Healthy())
		}
		fault = nil
		time.Sleep(time.Hour)
		if got := names(); len(got) != 3 || got[2] <= want[2] || n.Healthy() != nil {
			t.Errorf("when it works again: %v, %v", got, n.Healthy())
		}
		stop()
	})
}
