package uplink

import (
	"context"
	"encoding/json"
	"fmt"

	"gridhub/devices/wire"
)

// Changed says that Stock or Remark has something new. On the connection at
// hand the hub hears it before any batch that is published later; else when
// the gateway introduces itself. It does not wait.
func (u *Uplink) Changed() {
	u.edition.Add(1)
	select {
	case u.news <- struct{}{}:
	default: // it will be looked at
	}
}

// herald tells the hub of changes as they come.
func (s *session) herald(ctx context.Context) error {
	for {
		select {
		case <-s.u.news:
			if err := s.renew(ctx); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// renew publishes inventory and status if they changed since this session told
// them. A connection keeps the order of what is published, and the hub of what
// it receives: a batch that is published afterwards finds its devices known.
func (s *session) renew(ctx context.Context) error {
	s.telling.Lock()
	defer s.telling.Unlock()
	edition := s.u.edition.Load()
	if edition == s.told {
		return nil
	}
	s.told = edition
	if err := s.post(ctx, wire.Inventory, false, s.u.stock()); err != nil {
		return err
	}
	return s.post(ctx, wire.Status, true, s.u.presence())
}

// post publishes; a PUBACK that does not come ends the session.
func (s *session) post(ctx context.Context, kind string, retained bool, v any) error {
	payload, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("%s: %w", kind, err)
	}
	token := s.conn.client.Publish(wire.Up(s.u.id, kind), 1, retained, payload)
	s.run(ctx, func(ctx context.Context) error { return await(ctx, token) })
	return nil
}

// presence is the status of a gateway that is online.
func (u *Uplink) presence() wire.Presence {
	program, machine := u.time.ages()
	p := wire.Presence{V: wire.Version, Online: true, Now: u.time.scale().now, Program: program.Milliseconds(), Machine: machine.Milliseconds()}
	if u.remark != nil {
		p.Cause = u.remark()
	}
	return p
}
