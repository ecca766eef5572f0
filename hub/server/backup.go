package server

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"

	"gridhub/hub/backup"
	"gridhub/hub/history/sqlite"
	"gridhub/hub/store"
)

// Names of a hub's data that a backup treats by itself.
const (
	intakeFolder = "intake"
	databaseFile = "hub.db"
	historyFile  = "history.db"
	dumpFile     = "hub.pgdump" // a PostgreSQL database in a backup
)

// source is what a backup of this hub holds.
func (h *Hub) source() backup.Source {
	s := backup.Source{Folder: h.cfg.Data, Version: Version, Journal: intakeFolder, Now: h.now(),
		Leave:   []string{filepath.Base(SocketPath(h.cfg.Data)), setupTokenFile, auditHead},
		Extents: h.journal.Extents,
	}
	name := dumpFile
	if h.db.Embedded() {
		name = databaseFile
	}
	s.Databases = append(s.Databases, backup.Database{Name: name, Beside: beside(name), Snapshot: h.db.Snapshot})
	if points, ok := h.history.(*sqlite.Store); ok {
		s.Databases = append(s.Databases, backup.Database{Name: historyFile, Beside: beside(historyFile), Snapshot: points.Snapshot})
	} else {
		s.Notes = append(s.Notes, "the points are in InfluxDB, which has a backup of its own")
	}
	return s
}

// beside are the files that SQLite keeps next to a database.
func beside(name string) []string { return []string{name + "-wal", name + "-shm"} }

func (h *Hub) writeBackup(ctx context.Context, w io.Writer) error {
	_, err := backup.Write(ctx, w, h.source())
	return err
}

// sendBackup streams a backup to the command line. An error shows as a file
// without its end, which the command line refuses.
func (h *Hub) sendBackup(w http.ResponseWriter, r *http.Request) {
	if err := h.writeBackup(r.Context(), w); err != nil {
		h.log.Error("a backup was broken off", "error", err)
		panic(http.ErrAbortHandler) // the reader must not take it for whole
	}
}

// Restore puts a backup back into the empty places that cfg names. No hub may
// run with it.
func Restore(ctx context.Context, cfg Config, r io.Reader) (backup.Manifest, error) {
	m, err := backup.Restore(r, cfg.Data)
	if err != nil {
		return m, err
	}
	dump, file := filepath.Join(cfg.Data, dumpFile), filepath.Join(cfg.Data, databaseFile)
	path, embedded := cfg.sqlite()
	switch dumped := !gone(dump); {
	case dumped && embedded:
		return m, fmt.Errorf("the backup holds a PostgreSQL database, left in %s: name an empty one under database and load it with pg_restore", dump)
	case dumped:
		return m, store.Load(ctx, cfg.Database, dump)
	case !embedded:
		return m, fmt.Errorf("the backup holds an SQLite database, left in %s, and the configuration names another kind under database", file)
	case path != file && !gone(path):
		return m, fmt.Errorf("%s: %w, the backup's is left in %s", path, backup.ErrTaken, file)
	case path != file:
		return m, os.Rename(file, path)
	}
	return m, nil
}
