package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"gridhub/hub/backup"
	"gridhub/hub/server"
)

var errOneBackup = errors.New("hub: name one backup file\n\n" + usage)

// backUp has the running hub write a backup, or reads one.
func backUp(ctx context.Context, args []string, out io.Writer) error {
	f, config := flags("hub backup")
	examine := f.Bool("verify", false, "read a backup instead of making one")
	w, err := words(f, args)
	if err != nil || len(w) != 1 {
		return errors.Join(err, errOneBackup)
	}
	if *examine {
		return reading(w[0], out, func(r io.Reader) (backup.Manifest, error) { return backup.Verify(r) })
	}
	hub, err := reach(*config)
	if err != nil {
		return err
	}
	m, err := backup.ToFile(w[0], func(file io.Writer) error {
		body, err := hub.ask(ctx, "GET", "/backup", nil)
		if err != nil {
			return err
		}
		defer body.Close()
		_, err = io.Copy(file, &progress{Reader: body, out: out, shown: time.Now()})
		return err
	})
	if err != nil {
		return err
	}
	return describe(out, w[0], m)
}

// restore puts a backup back.
func restore(ctx context.Context, args []string, out io.Writer) error {
	f, config := flags("hub restore")
	w, err := words(f, args)
	if err != nil || len(w) != 1 {
		return errors.Join(err, errOneBackup)
	}
	cfg, err := server.Load(*config)
	if err != nil {
		return err
	}
	return reading(w[0], out, func(r io.Reader) (backup.Manifest, error) { return server.Restore(ctx, cfg, r) })
}

// reading opens a backup for take, and says what was in it.
func reading(path string, out io.Writer, take func(io.Reader) (backup.Manifest, error)) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	m, err := take(bufio.NewReaderSize(&progress{Reader: file, out: out, shown: time.Now()}, 1<<20))
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return describe(out, path, m)
}

func describe(out io.Writer, path string, m backup.Manifest) error {
	for _, n := range m.Notes {
		if _, err := fmt.Fprintf(out, "not in it: %s\n", n); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(out, "%s: sound, %d files, %d bytes, made %s by hub %s\n", path, len(m.Files), m.Bytes(), m.Made.Local().Format(time.DateTime), m.Version)
	return err
}

// showEvery is the time between two lines of progress.
const showEvery = 2 * time.Second

// progress says how far a long reading has come.
type progress struct {
	io.Reader
	out   io.Writer
	n     int64
	shown time.Time
}

func (p *progress) Read(b []byte) (int, error) {
	n, err := p.Reader.Read(b)
	p.n += int64(n)
	if time.Since(p.shown) > showEvery {
		p.shown = time.Now()
		fmt.Fprintf(p.out, "%d MB\n", p.n>>20)
	}
	return n, err
}
