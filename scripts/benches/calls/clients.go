package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/webrtc/v4"

	"gridhub/scripts/rig"
)

// patience is how long one client waits for what it wants.
const patience = 60 * time.Second

// A door is how a side is entered.
type door interface {
	// publish negotiates for a connection that has a track to send.
	publish(ctx context.Context, pc *webrtc.PeerConnection) error
	// view negotiates for one that wants to see.
	view(ctx context.Context, id string, pc *webrtc.PeerConnection) error
}

// attend is the process of the clients.
func attend(ctx context.Context, spec string) error {
	var t task
	if err := json.Unmarshal([]byte(spec), &t); err != nil {
		return err
	}
	var d door = httpDoor{"http://" + t.Address}
	if t.Side == "livekit" {
		d = liveKitDoor{t.Address, t.Secret}
	}
	var v seen
	var err error
	if t.Viewers > 0 {
		v, err = watch(ctx, t, d)
	} else {
		v, err = comeAndGo(ctx, t)
	}
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(v)
}

// watch shows a picture to viewers and measures.
func watch(ctx context.Context, t task, d door) (v seen, err error) {
	pc, err := connection(nil)
	if err != nil {
		return v, err
	}
	c, err := newCamera(pc)
	if err != nil {
		return v, err
	}
	if err := d.publish(ctx, pc); err != nil {
		return v, fmt.Errorf("publish: %w", err)
	}
	if err := connected(ctx, pc); err != nil {
		return v, fmt.Errorf("publish: %w", err)
	}
	go c.film(ctx)
	audience, err := seat(ctx, t, d)
	if err != nil {
		return v, err
	}
	for _, w := range audience {
		v.FirstMS = append(v.FirstMS, w.first)
	}
	if t.Profile != "" {
		defer profile(t)()
	}
	return v, measure(t, audience, &v)
}

// seat lets the viewers come, 20 a second, and returns when all of them see.
func seat(ctx context.Context, t task, d door) ([]*viewer, error) {
	all := make([]*viewer, t.Viewers)
	errs := make(chan error, t.Viewers)
	for i := range all {
		go func() {
			var err error
			all[i], err = newViewer(ctx, t, d, i)
			errs <- err
		}()
		time.Sleep(50 * time.Millisecond)
	}
	for range all {
		if err := <-errs; err != nil {
			return nil, err
		}
	}
	return all, nil
}

func measure(t task, audience []*viewer, v *seen) error {
	count := func() (n int64) {
		for _, w := range audience {
			n += w.packets.Load()
		}
		return n
	}
	time.Sleep(time.Second) // until the rush to the doors is over
	for _, w := range audience {
		w.begin()
	}
	before, cpu, err := count(), time.Duration(0), error(nil)
	if cpu, err = rig.CPUOf(t.PID); err != nil {
		return err
	}
	time.Sleep(t.Watch)
	after, err := rig.CPUOf(t.PID)
	if err != nil {
		return err
	}
	v.Packets, v.CPU = count()-before, after-cpu
	if v.RSSKB, err = rig.MemoryOf(t.PID); err != nil || t.Loss == 0 {
		return err
	}
	for _, w := range audience {
		w.end()
	}
	time.Sleep(time.Second) // repairs on their way
	for _, w := range audience {
		v.Dropped += w.dropped
		v.Missing += w.missing()
	}
	return nil
}

// A viewer counts what it sees.
type viewer struct {
	first   int64 // milliseconds until the first key frame
	packets atomic.Int64
	conn    *lossyConn // nil: nothing is left out
	dropped int64

	mu       sync.Mutex
	tracked  bool
	from, to uint64 // of the numbers that must be there; to is 0 until known
	newest   uint64
	got      map[uint64]bool
}

func newViewer(ctx context.Context, t task, d door, i int) (*viewer, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	v := &viewer{got: map[uint64]bool{}, newest: 1 << 16}
	if t.Loss > 0 {
		var err error
		if v.conn, err = newLossyConn(t.Loss, uint64(i)); err != nil {
			return nil, err
		}
	}
	pc, err := connection(v.conn)
	if err != nil {
		return nil, err
	}
	began, first := time.Now(), make(chan int64, 1)
	pc.OnTrack(func(remote *webrtc.TrackRemote, _ *webrtc.RTPReceiver) { v.read(remote, began, first) })
	if err := d.view(context.WithoutCancel(ctx), fmt.Sprint("viewer-", i), pc); err != nil {
		return nil, fmt.Errorf("viewer %d: %w", i, err)
	}
	select {
	case v.first = <-first:
		return v, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("viewer %d: %w", i, errNoMedia)
	}
}

func (v *viewer) read(remote *webrtc.TrackRemote, began time.Time, first chan<- int64) {
	for seen := false; ; {
		p, _, err := remote.ReadRTP()
		if err != nil {
			return
		}
		if key := len(p.Payload) > 1 && p.Payload[0]&0x10 != 0 && p.Payload[len(p.Payload)-1249]&1 == 0; key && !seen {
			seen = true
			first <- time.Since(began).Milliseconds()
		}
		v.packets.Add(1)
		v.note(p.SequenceNumber)
	}
}

// note keeps which numbers came, while it matters.
func (v *viewer) note(raw uint16) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.newest == 1<<16 {
		v.newest += uint64(raw)
	}
	seq := v.newest + uint64(int64(int16(raw-uint16(v.newest))))
	v.newest = max(v.newest, seq)
	if v.tracked && seq > v.from {
		v.got[seq] = true
	}
}

func (v *viewer) begin() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.tracked, v.from = v.conn != nil, v.newest
	if v.conn != nil {
		v.dropped = -v.conn.dropped.Load()
	}
}

func (v *viewer) end() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.to = v.newest
	v.dropped += v.conn.dropped.Load()
}

func (v *viewer) missing() (n int64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for seq := v.from + 1; seq <= v.to; seq++ {
		if !v.got[seq] {
			n++
		}
	}
	return n
}

// httpDoor is the shortest signalling there is: an offer is posted, the answer
// comes back.
type httpDoor struct{ url string }

func (d httpDoor) publish(ctx context.Context, pc *webrtc.PeerConnection) error {
	return d.exchange(ctx, "publish", "camera", pc)
}

func (d httpDoor) view(ctx context.Context, id string, pc *webrtc.PeerConnection) error {
	if _, err := pc.AddTransceiverFromKind(webrtc.RTPCodecTypeVideo,
		webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}); err != nil {
		return err
	}
	return d.exchange(ctx, "subscribe", id, pc)
}

func (d httpDoor) exchange(ctx context.Context, verb, id string, pc *webrtc.PeerConnection) error {
	sdp, err := offer(ctx, pc)
	if err != nil {
		return err
	}
	reply, err := d.post(verb+"?id="+id, sdp)
	if err != nil {
		return err
	}
	return answered(pc, reply)
}

func (d httpDoor) post(path, body string) (string, error) {
	resp, err := http.Post(d.url+"/"+path, "application/sdp", bytes.NewReader([]byte(body)))
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	reply, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", path, reply)
	}
	return string(reply), err
}

// profile fetches a processor profile of the server while the caller measures;
// what it returns waits for it.
func profile(t task) func() {
	done := make(chan struct{})
	go func() {
		defer close(done)
		resp, err := http.Get(fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%d", t.Address, int(t.Watch.Seconds())+1))
		if err != nil {
			return // the figures are worth having without it
		}
		defer resp.Body.Close()
		b, _ := io.ReadAll(resp.Body)
		_ = os.WriteFile(t.Profile, b, 0o600)
	}()
	return func() { <-done }
}
