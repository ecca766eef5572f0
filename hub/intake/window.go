package intake

import (
	"bytes"
	"compress/flate"
	"context"
	"errors"
	"io"
	"sort"
	"sync"
	"time"

	"gridhub/devices/wire"
	"gridhub/streams/journal"
)

// chunk is a run of decoded records [first, next) and, now and then, the
// decoder's state behind it: only there can a cursor be saved.
type chunk struct {
	serial      uint64
	first, next uint64
	items       []Decoded
	state       []byte // packed; nil: none was taken here
}

// window shares what was decoded near the head. It is bounded in messages: the
// oldest chunks make room for new ones, and whoever still wanted them decodes
// for itself until it has caught up. Nobody waits for the slowest.
type window struct {
	limit int

	mu     sync.Mutex
	chunks []chunk // serials ascending without holes
	held   int
	next   uint64        // number behind the newest chunk
	serial uint64        // of the chunk to come
	more   chan struct{} // closed when a chunk comes
}

func newWindow(limit int, next uint64) *window {
	return &window{limit: limit, next: next, more: make(chan struct{})}
}

func (w *window) push(c chunk) {
	w.mu.Lock()
	defer w.mu.Unlock()
	c.serial = w.serial
	w.serial++
	w.chunks = append(w.chunks, c)
	w.held += len(c.items)
	w.next = c.next
	for w.held > w.limit && len(w.chunks) > 1 {
		w.held -= len(w.chunks[0].items)
		w.chunks[0] = chunk{}
		w.chunks = w.chunks[1:]
	}
	close(w.more)
	w.more = make(chan struct{})
}

// attach returns the serial of the chunk that holds number pos, or of the one
// to come; false when pos has left the window, or lies ahead of it.
func (w *window) attach(pos uint64) (uint64, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if pos == w.next {
		return w.serial, true
	}
	i := sort.Search(len(w.chunks), func(i int) bool { return w.chunks[i].next > pos })
	if i == len(w.chunks) || w.chunks[i].first > pos {
		return 0, false
	}
	return w.chunks[i].serial, true
}

// get waits for the chunk with this serial; false when it has left.
func (w *window) get(ctx context.Context, serial uint64) (chunk, bool, error) {
	for {
		w.mu.Lock()
		more := w.more
		if serial < w.serial {
			defer w.mu.Unlock()
			if len(w.chunks) == 0 || serial < w.chunks[0].serial {
				return chunk{}, false, nil
			}
			return w.chunks[serial-w.chunks[0].serial], true, nil
		}
		w.mu.Unlock()
		select {
		case <-more:
		case <-ctx.Done():
			return chunk{}, false, ctx.Err()
		}
	}
}

// source reads the journal through a decoder, in chunks.
type source struct {
	reader  *journal.Reader
	decoder *Decoder
	batch   int
	every   time.Duration // between two states, at least
	saved   time.Time     // when the last was taken
	took    time.Duration // to pack it
	dirty   bool          // something was folded since
	next    uint64
}

func (in *Intake) source(from uint64, state []byte) (*source, error) {
	d, err := unpack(state)
	if err != nil {
		return nil, err
	}
	return &source{reader: in.journal.Reader(from), decoder: d, batch: in.cfg.Batch, every: in.cfg.CommitEvery, saved: time.Now(), next: from}, nil
}

// chunkBytes bounds what one chunk reads of the journal.
const chunkBytes = 4 << 20

// chunk waits for records and decodes them. When none come and a state is
// due, the chunk is empty and has that state.
func (s *source) chunk(ctx context.Context) (chunk, error) {
	c := chunk{first: s.next, next: s.next}
	wait := ctx
	if s.dirty {
		var cancel context.CancelFunc
		wait, cancel = context.WithDeadline(ctx, s.due())
		defer cancel()
	}
	recs, err := s.reader.Next(wait, s.batch, chunkBytes)
	if err != nil && (ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded)) {
		return c, err
	}
	if len(recs) > 0 {
		c.items = make([]Decoded, len(recs))
		for i := range recs {
			s.fold(&recs[i], &c.items[i])
		}
		s.dirty = true
	}
	c.next = s.next
	if s.dirty && !time.Now().Before(s.due()) {
		began := time.Now()
		c.state = pack(s.decoder)
		s.saved, s.dirty = time.Now(), false
		s.took = s.saved.Sub(began)
	}
	return c, nil
}

// packShare is how much time packing may take: one part in so many.
const packShare = 30

// due is when the next state is taken. The state of a hundred thousand devices
// takes a second to pack, and nothing is decoded meanwhile: the rarer then.
func (s *source) due() time.Time { return s.saved.Add(max(s.every, packShare*s.took)) }

func (s *source) fold(r *journal.Record, out *Decoded) {
	if r.Kind == journal.Gap {
		s.next = r.Number + r.Lost
		out.Number, out.Gap = r.Number, r.Lost
		return
	}
	s.next = r.Number + 1
	s.decoder.fold(r.Number, r.Data, out)
}

// pack makes the state small enough for a cursor: names repeat in it.
func pack(d *Decoder) []byte {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, flate.BestSpeed) // fails for unknown levels only
	w.Write(d.Save(nil))                         // a bytes.Buffer never fails
	w.Close()
	return b.Bytes()
}

// maxState bounds what is unpacked.
const maxState = 256 << 20

func unpack(b []byte) (*Decoder, error) {
	if len(b) == 0 {
		return NewDecoder(), nil
	}
	plain, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(b)), maxState))
	if err != nil {
		return nil, errState
	}
	return LoadDecoder(plain)
}

// lead decodes at the head, for all who keep up.
func (in *Intake) lead(ctx context.Context) {
	s, err := in.source(in.from, in.state)
	if err != nil { // open has checked it
		in.log.Error("decoder state is damaged", "error", err)
		return
	}
	defer s.reader.Close()
	in.acks.start(s.decoder)
	for ctx.Err() == nil {
		c, err := s.chunk(ctx)
		if err != nil {
			if ctx.Err() == nil {
				in.log.Warn("journal cannot be read", "error", err)
				pause(ctx, time.Second)
			}
			continue
		}
		for i := range c.items {
			if n := c.items[i].Gap; n > 0 {
				in.log.Error("journal has lost records", "number", c.items[i].Number, "records", n)
			}
		}
		in.window.push(c)
		in.acknowledge(s.decoder, c.items)
		in.tell(c.items)
	}
}

// acknowledge notes which gateways have news of their batches.
func (in *Intake) acknowledge(d *Decoder, items []Decoded) {
	for i := range items {
		if items[i].Topic == wire.Batches && items[i].Replay == 0 {
			in.acks.news(items[i].From)
		}
	}
	in.acks.collect(d)
}

// pause waits, and reports whether ctx is still alive.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
