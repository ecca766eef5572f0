package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Snapshot writes a copy of the database, consistent in itself, to path, which
// must not be there. SQLite copies itself beside its writers; of PostgreSQL
// pg_dump makes one in its own format, for Load.
func (db *DB) Snapshot(ctx context.Context, path string) error {
	if db.dialect == postgres {
		return tool(ctx, db.address, "pg_dump", "--format=custom", "--no-owner", "--file="+path)
	}
	c, err := sql.Open("sqlite", "file:"+db.address+"?_pragma=busy_timeout(10000)") // those that read may not even write elsewhere
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := c.ExecContext(ctx, "VACUUM INTO ?", path); err != nil {
		return fmt.Errorf("copy of %s: %w", db.address, err)
	}
	return os.Chmod(path, 0o600)
}

// Load fills the empty PostgreSQL database at address from a Snapshot.
func Load(ctx context.Context, address, path string) error {
	return tool(ctx, address, "pg_restore", "--no-owner", "--exit-on-error", "--single-transaction", "--dbname=", path)
}

// tool runs one of PostgreSQL's own programs. Where to connect is told by the
// environment: a command line, with the password, could be read by everybody.
func tool(ctx context.Context, address, name string, args ...string) error {
	c, err := pgx.ParseConfig(address)
	if err != nil {
		return fmt.Errorf("database %s: %w", redact(address), err)
	}
	for i, a := range args {
		if a == "--dbname=" {
			args[i] += c.Database
		}
	}
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), "PGHOST="+c.Host, "PGPORT="+strconv.Itoa(int(c.Port)), "PGUSER="+c.User,
		"PGPASSWORD="+c.Password, "PGDATABASE="+c.Database)
	if u, err := url.Parse(address); err == nil {
		for key, variable := range map[string]string{"sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT"} {
			if v := u.Query().Get(key); v != "" {
				cmd.Env = append(cmd.Env, variable+"="+v)
			}
		}
	}
	var said bytes.Buffer
	cmd.Stderr = &said
	err = cmd.Run()
	if errors.Is(err, exec.ErrNotFound) {
		return fmt.Errorf("%s is not installed: it comes with PostgreSQL's client programs", name)
	}
	if err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, strings.TrimSpace(said.String()))
	}
	return nil
}
