package health

import (
	"context"
	"encoding/json"
	"fmt"

	"gridhub/devices/telemetry"
	"gridhub/hub/store"
)

// Book keeps faults, those that last and those that were. It is safe for
// concurrent use.
type Book struct{ db *store.DB }

// OpenBook prepares the table.
func OpenBook(ctx context.Context, db *store.DB) (*Book, error) {
	return &Book{db}, db.Migrate(ctx, "health", migrations...)
}

// Put keeps the newest word on a fault. Doing it again changes nothing.
func (b *Book) Put(ctx context.Context, f Outage) error {
	body, err := json.Marshal(f)
	if err != nil {
		return err
	}
	err = b.db.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, putFault, f.ID, int64(f.Since), int64(f.Until), string(body))
		return err
	})
	if err != nil {
		return fmt.Errorf("fault %s: %w", f.ID, err)
	}
	return nil
}

// List returns faults, the newest first: all that last, or all that were not
// over before from.
func (b *Book) List(ctx context.Context, open bool, from telemetry.Millis, limit int) ([]Outage, error) {
	query, args := listSince, []any{int64(from), limit}
	if open {
		query, args = listOpen, []any{limit}
	}
	rows, err := b.db.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []Outage
	for rows.Next() {
		var body []byte
		var f Outage
		if err := rows.Scan(&body); err != nil {
			return nil, err
		}
		if err := json.Unmarshal(body, &f); err != nil {
			return nil, fmt.Errorf("fault row: %w", err)
		}
		all = append(all, f)
	}
	return all, rows.Err()
}

// Forget removes what was over before then.
func (b *Book) Forget(ctx context.Context, then telemetry.Millis) error {
	err := b.db.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, forget, int64(then))
		return err
	})
	if err != nil {
		return fmt.Errorf("old faults: %w", err)
	}
	return nil
}
