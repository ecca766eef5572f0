package audit

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"gridhub/devices/telemetry"
)

// Query selects entries; empty fields do not bound.
type Query struct {
	Account string
	Person  string
	Act     string           // an act, or how acts begin: "track" is track.look too
	Subject string           // id
	From    telemetry.Millis // first instant
	To      telemetry.Millis // first instant that is not wanted any more; 0: no end
	Before  int64            // only entries with smaller numbers: the next page; 0: the newest
	Limit   int              // 1 to MaxPage; 0: MaxPage
}

// MaxPage bounds the entries of one answer.
const MaxPage = 500

// List returns entries, newest first. It believes the table; Verify does not.
func (l *Log) List(ctx context.Context, q Query) ([]Record, error) {
	where, args := q.where()
	if q.Limit <= 0 || q.Limit > MaxPage {
		q.Limit = MaxPage
	}
	rows, err := l.db.Query(ctx, columns+where+` ORDER BY n DESC LIMIT ?`, append(args, q.Limit)...)
	if err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	defer rows.Close()
	out := []Record{}
	for rows.Next() {
		row, err := scan(rows)
		if err != nil {
			return nil, fmt.Errorf("audit: %w", err)
		}
		r, ok := parse(row.line)
		if !ok {
			return nil, fmt.Errorf("audit: entry %d cannot be read: it was changed", row.N)
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

func (q Query) where() (string, []any) {
	var words []string
	var args []any
	add := func(use bool, word string, values ...any) {
		if use {
			words, args = append(words, word), append(args, values...)
		}
	}
	add(q.Account != "", `account = ?`, q.Account)
	add(q.Person != "", `person = ?`, q.Person)
	add(q.Subject != "", `subject = ?`, q.Subject)
	add(q.Act != "", `(act = ? OR substr(act, 1, ?) = ?)`, q.Act, len(q.Act)+1, q.Act+".")
	add(q.From != 0, `at >= ?`, int64(q.From))
	add(q.To != 0, `at < ?`, int64(q.To))
	add(q.Before != 0, `n < ?`, q.Before)
	if len(words) == 0 {
		return "", nil
	}
	return `WHERE ` + strings.Join(words, ` AND `), args
}

// row is an entry as the table has it: columns that may lie beside bytes that
// may not be what was written.
type row struct {
	Record
	line []byte
	hash string
}

func scan(rows *sql.Rows) (r row, err error) {
	err = rows.Scan(&r.N, &r.At, &r.Account, &r.Person, &r.Act, &r.Subject, &r.line, &r.hash)
	return r, err
}
