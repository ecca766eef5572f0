package listen

import (
	"bytes"
	"context"
	"net"

	"gridhub/devices/codec/fields"
	"gridhub/devices/codec/hj212"
	"gridhub/devices/telemetry"
	"gridhub/edge/driver"
)

// station is one connection of HJ 212. Several stations may share one.
type station struct {
	server  *Server
	conn    net.Conn
	deliver driver.Deliver
}

// recent remembers the numbers of the newest messages of a station, to know a
// repetition.
type recent struct {
	ring [64]string
	next int
}

// again reports whether id was noted before.
func (r *recent) again(id string) bool {
	for _, old := range r.ring {
		if old == id {
			return true
		}
	}
	return false
}

func (r *recent) note(id string) {
	r.ring[r.next] = id
	r.next = (r.next + 1) % len(r.ring)
}

// hear is a talk.
func (s *station) hear(ctx context.Context, buf []byte) (rest []byte, err error) {
	for {
		p, rest, err := hj212.Next(buf)
		if p == nil && err == nil {
			return rest, nil
		}
		if err != nil {
			s.server.log.Debug("damaged packet", "error", err)
		}
		if p != nil {
			if err := s.packet(ctx, p); err != nil {
				return nil, err
			}
		}
		buf = rest
	}
}

// packet reads one packet and answers it, if that is wanted, when it is on disk.
func (s *station) packet(ctx context.Context, p *hj212.Packet) error {
	st, ok := s.server.known(p.MN)
	if !ok {
		return nil
	}
	whole, stored, err := s.join(p)
	if err != nil {
		s.server.log.Error("what a device sent is not acknowledged", "device", st.ID, "error", err)
		return nil
	}
	if whole != nil {
		read := false
		if !s.server.durably(ctx, st.ID, func() { read = s.read(st, whole) }) {
			return nil
		}
		stored()
		if read {
			s.server.note(st, whole)
		}
	}
	if !p.Asks() {
		return nil
	}
	return send(s.conn, p.Ack())
}

// join gathers the parts of a split message, which may come again, in any order.
// The whole is nil while some are missing; what came is on disk then. stored is
// to be called when the whole is.
func (s *station) join(p *hj212.Packet) (whole *hj212.Packet, stored func(), err error) {
	if p.Flag&hj212.Split == 0 || p.Total <= 1 {
		return p, func() {}, nil
	}
	key := p.MN + " " + p.QN
	parts, err := s.server.shelf.put(key, p.Number, p.Total, []byte(p.Text))
	if parts == nil || err != nil {
		return nil, nil, err
	}
	one := *p
	one.Text = string(bytes.Join(parts, []byte(";")))
	return &one, func() { s.server.shelf.finish(key, parts) }, nil
}

// read hands on what a message measures, once, and reports whether it did.
func (s *station) read(st driver.Station, p *hj212.Packet) bool {
	sample, ok := p.Sample()
	if !ok || s.server.repeated(st, p) {
		return false
	}
	values, quality := st.Layout.(fields.Layout).Decode(sample.Values)
	if len(values) == 0 {
		return false // a period that the profile has no metrics for
	}
	r := driver.Reading{Values: values, Quality: quality}
	if sample.Doubt {
		r.Quality = telemetry.Uncertain
	}
	if !sample.At.IsZero() {
		r.Own = telemetry.At(sample.At)
	}
	s.deliver(st.ID, r, nil)
	return true
}

// repeated reports whether a message came before and is on disk. Without a
// number none is known to be a repetition.
func (s *Server) repeated(st driver.Station, p *hj212.Packet) bool {
	if p.QN == "" {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen[st.ID].again(p.QN + " " + p.Text)
}

// note remembers a message that is on disk.
func (s *Server) note(st driver.Station, p *hj212.Packet) {
	if p.QN == "" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen[st.ID].note(p.QN + " " + p.Text)
}
