package store

import (
	"context"
	"fmt"
	"strings"
)

// Migrate brings a feature's tables up to date: steps[i] is migration i+1, run
// once, in order, each in its own transaction. A step that has shipped is never
// edited; a change is a new step. A database that knows more steps than this
// program was written by a newer one and is refused.
//
// Steps use the words that both dialects share; BLOB becomes BYTEA and
// INTEGER becomes BIGINT for PostgreSQL.
func (db *DB) Migrate(ctx context.Context, feature string, steps ...string) error {
	err := db.Write(ctx, func(tx *Tx) error {
		_, err := tx.Exec(ctx, db.dialect.types(`CREATE TABLE IF NOT EXISTS migrations (feature TEXT NOT NULL, step INTEGER NOT NULL, PRIMARY KEY (feature, step))`))
		return err
	})
	if err != nil {
		return fmt.Errorf("migrations table: %w", err)
	}
	var have int
	if err := db.QueryRow(ctx, `SELECT COALESCE(MAX(step), 0) FROM migrations WHERE feature = ?`, feature).Scan(&have); err != nil {
		return fmt.Errorf("migrations of %s: %w", feature, err)
	}
	if have > len(steps) {
		return fmt.Errorf("%s is at migration %d, this program knows %d: the data was written by a newer version", feature, have, len(steps))
	}
	for i := have; i < len(steps); i++ {
		if err := db.step(ctx, feature, i+1, steps[i]); err != nil {
			return fmt.Errorf("migration %s/%d: %w", feature, i+1, err)
		}
	}
	return nil
}

func (db *DB) step(ctx context.Context, feature string, number int, sql string) error {
	return db.Write(ctx, func(tx *Tx) error {
		for s := range strings.SplitSeq(sql, ";") {
			if strings.TrimSpace(s) == "" {
				continue
			}
			if _, err := tx.Exec(ctx, db.dialect.types(s)); err != nil {
				return err
			}
		}
		_, err := tx.Exec(ctx, `INSERT INTO migrations (feature, step) VALUES (?, ?)`, feature, number)
		return err
	})
}

// types translates the column types that differ.
func (d dialect) types(sql string) string {
	if d == sqlite {
		return sql
	}
	return strings.NewReplacer(" BLOB", " BYTEA", " INTEGER", " BIGINT", " REAL", " DOUBLE PRECISION").Replace(sql)
}
