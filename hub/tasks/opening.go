package tasks

import (
	"context"
	"fmt"
	"slices"

	"gridhub/devices/telemetry"
	"gridhub/hub/identity"
)

// Progress is how far a case is.
type Progress struct {
	Case    identity.CaseID
	State   EventType
	Updated telemetry.Millis // by the hub's clock
}

// Changed lists the cases that changed at or after an instant of the hub's clock,
// in no order. It reads no events.
func (p *Pool) Changed(ctx context.Context, since telemetry.Millis) ([]Progress, error) {
	r, err := p.db.Query(ctx, `SELECT id, state, updated FROM cases WHERE updated >= ?`, int64(since))
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var out []Progress
	for r.Next() {
		var s Progress
		if err := r.Scan(&s.Case, &s.State, &s.Updated); err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, r.Err()
}

// Openings shows the reports with which cases began, with their texts where these
// were not erased. Cases that are not there are left out.
func (p *Pool) Openings(ctx context.Context, ids []identity.CaseID, see func(Event)) error {
	for some := range slices.Chunk(ids, readAt) {
		if err := p.openings(ctx, some, see); err != nil {
			return err
		}
	}
	return nil
}

func (p *Pool) openings(ctx context.Context, ids []identity.CaseID, see func(Event)) error {
	marks, args := in(ids)
	r, err := p.db.Query(ctx, `SELECT e.bytes, COALESCE(s.value, '') FROM case_events e
		LEFT JOIN case_secrets s ON s.case_id = e.case_id AND s.seq = e.seq AND s.field = 'text'
		WHERE e.seq = 1 AND e.case_id IN (`+marks+`)`, args...)
	if err != nil {
		return err
	}
	defer r.Close()
	for r.Next() {
		var b []byte
		var text string
		if err := r.Scan(&b, &text); err != nil {
			return err
		}
		e, _, err := open(b)
		if err != nil {
			return fmt.Errorf("a stored event cannot be read: %w", err)
		}
		e.Body.Text = text
		see(e)
	}
	return r.Err()
}
