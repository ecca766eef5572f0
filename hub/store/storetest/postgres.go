package storetest

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // driver "pgx"
)

// Server is a PostgreSQL server of our own on a socket in a temporary folder.
// It listens on no network and lets in whoever can reach the folder.
type Server struct {
	dir  string // of the socket, and of the data unless they are to stay
	data string
	cmd  *exec.Cmd
	said bytes.Buffer // read after ended only
	end  chan struct{}
	err  error // of the process, after end
}

const (
	startTime = 60 * time.Second // for initdb and for the first answer, on a busy machine
	stopTime  = 20 * time.Second
)

// Start makes an empty server and waits until it answers. PostgreSQL refuses to
// run as root: under root it runs as the user postgres, else nobody.
func Start(ctx context.Context) (*Server, error) { return begin(ctx, "", quick...) }

// StartDurable makes a server, or starts the one that was made there before,
// whose data stay in folder when it stops. It waits for the disk as one in use
// does, and has the memory that one has which is not left as it was installed.
func StartDurable(ctx context.Context, folder string) (*Server, error) {
	return begin(ctx, folder, "-c", "shared_buffers=1GB", "-c", "max_wal_size=4GB")
}

// quick leaves the disk out: what tests ask is the same with and without it.
var quick = []string{"-F"}

func begin(ctx context.Context, data string, settings ...string) (*Server, error) {
	bin, err := programs()
	if err != nil {
		return nil, err
	}
	who, err := unprivileged()
	if err != nil {
		return nil, err
	}
	s := &Server{end: make(chan struct{})}
	if s.dir, err = folder(who); err != nil {
		return nil, err
	}
	if s.data = data; data == "" {
		s.data = filepath.Join(s.dir, "data")
	} else if err := own(data, who); err != nil {
		return nil, err
	}
	if err := s.launch(ctx, bin, who, settings); err != nil {
		return nil, errors.Join(err, os.RemoveAll(s.dir))
	}
	if err := s.answers(ctx); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

// programs finds initdb and postgres: distributions keep them out of the PATH.
func programs() (folder string, err error) {
	if p, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(p), nil
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb") // the pattern is fine
	if len(found) == 0 {
		return "", errors.New("no PostgreSQL on this machine: want initdb and postgres (./scripts/setup --tests installs them)")
	}
	return filepath.Dir(slices.Max(found)), nil
}

// unprivileged is whom the server runs as; nil: as ourselves.
func unprivileged() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		if u, err = user.Lookup("nobody"); err != nil {
			return nil, fmt.Errorf("PostgreSQL does not run as root, and there is nobody else: %w", err)
		}
	}
	uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, errors.Join(err1, err2)
}

// folder lies directly in the temporary folder: the server's user must be able
// to get there, and a socket's path has room for 107 bytes only.
func folder(who *syscall.Credential) (string, error) {
	dir, err := os.MkdirTemp("", "pg")
	if err != nil || who == nil {
		return dir, err
	}
	if err := os.Chown(dir, int(who.Uid), int(who.Gid)); err != nil {
		return "", errors.Join(err, os.Remove(dir))
	}
	return dir, nil
}

// own makes a folder for the server's user.
func own(folder string, who *syscall.Credential) error {
	if err := os.MkdirAll(folder, 0o700); err != nil || who == nil {
		return err
	}
	return os.Chown(folder, int(who.Uid), int(who.Gid))
}

func (s *Server) launch(ctx context.Context, bin string, who *syscall.Credential, settings []string) error {
	// the server goes when we do, also when the test is killed
	as := &syscall.SysProcAttr{Credential: who, Pdeathsig: syscall.SIGQUIT}
	if err := s.initdb(ctx, bin, as); err != nil {
		return err
	}
	s.cmd = exec.Command(filepath.Join(bin, "postgres"), append(settings, "-D", s.data, "-k", s.dir, "-c", "listen_addresses=", "-c", "max_connections=200")...)
	s.cmd.Dir, s.cmd.SysProcAttr, s.cmd.Stderr = s.dir, as, &s.said
	if err := s.cmd.Start(); err != nil {
		return err
	}
	go func() {
		s.err = s.cmd.Wait()
		close(s.end)
	}()
	return nil
}

// initdb makes the data, unless they are there.
func (s *Server) initdb(ctx context.Context, bin string, as *syscall.SysProcAttr) error {
	if _, err := os.Stat(filepath.Join(s.data, "PG_VERSION")); err == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	initdb := exec.CommandContext(ctx, filepath.Join(bin, "initdb"), "--no-sync", "--auth=trust", "--username=gridhub",
		"--encoding=UTF8", "--locale=C", "--pgdata="+s.data)
	initdb.Dir, initdb.SysProcAttr = s.dir, as
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	return nil
}

// answers waits for the first answer.
func (s *Server) answers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	db, err := sql.Open("pgx", s.URL())
	if err != nil {
		return err
	}
	defer db.Close()
	for {
		err := db.PingContext(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("PostgreSQL does not answer: %w", err)
		case <-s.end:
			return fmt.Errorf("PostgreSQL ended: %w\n%s", s.err, s.said.String())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Stop ends the server and removes its folder, but for data that are to stay.
func (s *Server) Stop() error {
	_ = s.cmd.Process.Signal(syscall.SIGINT) // fast shutdown; it may have ended
	select {
	case <-s.end:
	case <-time.After(stopTime):
		_ = s.cmd.Process.Kill()
		<-s.end
	}
	return os.RemoveAll(s.dir)
}

// URL is the server's own database, from which others are made.
func (s *Server) URL() string { return address(s.dir, "postgres") }

func address(dir, name string) string { return "postgres://gridhub@/" + name + "?host=" + dir }

var made atomic.Int64

// create makes an empty database on the server at url and returns its URL and
// what drops it again.
func create(ctx context.Context, url string) (of string, drop func() error, err error) {
	admin, err := sql.Open("pgx", url)
	if err != nil {
		return "", nil, err
	}
	name := fmt.Sprintf("test_%d_%d", os.Getpid(), made.Add(1))
	if _, err := admin.ExecContext(ctx, "CREATE DATABASE "+name+" TEMPLATE template0"); err != nil {
		return "", nil, errors.Join(fmt.Errorf("create database %s: %w", name, err), admin.Close())
	}
	drop = func() error {
		_, err := admin.Exec("DROP DATABASE " + name + " WITH (FORCE)")
		return errors.Join(err, admin.Close())
	}
	of, err = rename(url, name)
	return of, drop, err
}
