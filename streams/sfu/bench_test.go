package sfu_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"gridhub/streams/sfu"
	"gridhub/streams/sfu/sfutest"
)

const (
	viewers  = 50
	viewFor  = 10 * time.Second
	clientOf = "GRIDHUB_SFU_BENCH" // address of the process under test
)

// viewed is what the process of the clients reports.
type viewed struct {
	Packets  int64   // while it measured
	FirstMS  []int64 // from the wish to see until the first key frame, sorted
	CPUMicro int64   // of the process under test, filled in there
}

// BenchmarkFiftyViewers forwards one VP8 picture of 1.5 Mbit/s to fifty
// viewers. The clients are another process, so that the processor time is
// that of the SFU alone.
func BenchmarkFiftyViewers(b *testing.B) {
	s := sfutest.Start(b, nil)
	r := room(b, s, "call", "publisher")
	for i := range viewers {
		room(b, s, "call", fmt.Sprint("viewer-", i))
	}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) { answerHTTP(r, w, q) }))
	defer web.Close()
	for b.Loop() {
		clients := exec.Command(os.Args[0], "-test.run=^TestBenchClients$", "-test.v")
		clients.Env = append(os.Environ(), clientOf+"="+web.URL)
		clients.Stderr = os.Stderr
		out, err := clients.Output()
		if err != nil {
			b.Fatalf("%v\n%s", err, out)
		}
		report(b, out)
	}
}

func report(b *testing.B, out []byte) {
	var v viewed
	_, line, _ := bytes.Cut(out, []byte("RESULT "))
	if err := json.NewDecoder(bytes.NewReader(line)).Decode(&v); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	b.ReportMetric(float64(v.CPUMicro)/float64(v.Packets), "µs-cpu/packet")
	b.ReportMetric(float64(v.Packets)/viewFor.Seconds(), "packets/s")
	b.ReportMetric(float64(v.FirstMS[len(v.FirstMS)/2]), "ms-first-p50")
	b.ReportMetric(float64(v.FirstMS[len(v.FirstMS)*95/100]), "ms-first-p95")
	b.ReportMetric(float64(peakKB())/1024, "MB-peak")
}

// answerHTTP is the shortest signalling there is; GET tells the processor
// time used so far, in microseconds.
func answerHTTP(r *sfu.Room, w http.ResponseWriter, q *http.Request) {
	with, id := r.Subscribe, q.URL.Query().Get("id")
	switch {
	case q.Method == http.MethodGet:
		_, _ = fmt.Fprint(w, cpuMicro())
		return
	case id == "publisher":
		with = r.Publish
	}
	offer, _ := io.ReadAll(q.Body)
	answer, err := with(q.Context(), id, string(offer))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	_, _ = io.WriteString(w, answer)
}

func cpuMicro() int64 {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return u.Utime.Nano()/1000 + u.Stime.Nano()/1000
}

func peakKB() int64 {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return u.Maxrss
}

// TestBenchClients is the other process of BenchmarkFiftyViewers; by itself
// it checks that a client can be had.
func TestBenchClients(t *testing.T) {
	url := os.Getenv(clientOf)
	if url == "" {
		sfutest.Connection(t)
		return
	}
	p := sfutest.NewSource(sfutest.Connection(t))
	p.Video = p.Add(t, webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8, ClockRate: 90000})
	sfutest.Exchange(t, p.PC, overHTTP(url, "publisher"))
	sfutest.Connected(t, p.PC)
	go film(t.Context(), p)

	var v viewed
	var packets atomic.Int64
	var mu sync.Mutex
	var all sync.WaitGroup
	for i := range viewers {
		all.Go(func() {
			ms := view(t, overHTTP(url, fmt.Sprint("viewer-", i)), &packets)
			mu.Lock()
			v.FirstMS = append(v.FirstMS, ms)
			mu.Unlock()
		})
		time.Sleep(50 * time.Millisecond)
	}
	all.Wait()
	slices.Sort(v.FirstMS)
	n, cpu := packets.Load(), usedBy(t, url)
	time.Sleep(viewFor)
	v.Packets, v.CPUMicro = packets.Load()-n, usedBy(t, url)-cpu
	line, _ := json.Marshal(v)
	fmt.Printf("RESULT %s\n", line)
}

func overHTTP(url, id string) sfutest.Negotiate {
	return func(offer string) (string, error) {
		resp, err := http.Post(url+"?id="+id, "application/sdp", bytes.NewReader([]byte(offer)))
		if err != nil {
			return "", err
		}
		defer resp.Body.Close()
		answer, err := io.ReadAll(resp.Body)
		return string(answer), err
	}
}

// view subscribes and returns how long the first key frame took.
func view(t testing.TB, over sfutest.Negotiate, packets *atomic.Int64) int64 {
	began := time.Now()
	pc := sfutest.Connection(t)
	first := make(chan int64, 1)
	pc.OnTrack(func(remote *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		buf := make([]byte, 1500)
		for seen := false; ; seen = true {
			if _, _, err := remote.Read(buf); err != nil {
				return
			}
			if !seen { // an SFU begins with a key frame
				first <- time.Since(began).Milliseconds()
			}
			packets.Add(1)
		}
	})
	if _, err := pc.AddTransceiverFromKind(webrtc.RTPCodecTypeVideo,
		webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}); err != nil {
		t.Error(err)
	}
	sfutest.Exchange(t, pc, over)
	return <-first
}

func usedBy(t testing.TB, url string) (micro int64) {
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := fmt.Fscan(resp.Body, &micro); err != nil {
		t.Fatal(err)
	}
	return micro
}

// film sends 30 frames a second of 5 packets each, 1.5 Mbit/s, with a key
// frame when asked for one.
func film(ctx context.Context, p *sfutest.Source) {
	tick := time.NewTicker(time.Second / 30)
	defer tick.Stop()
	seq := uint16(0)
	for n := uint32(0); ; n++ {
		inter := byte(1)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		select {
		case <-p.KeyFrames:
			inter = 0
		default:
		}
		for i := range 5 {
			payload := make([]byte, 1250)
			payload[1] = inter
			if i == 0 {
				payload[0] = 0x10
			}
			h := rtp.Header{Version: 2, Marker: i == 4, SequenceNumber: seq, Timestamp: n * 3000}
			_ = p.Video.WriteRTP(&rtp.Packet{Header: h, Payload: payload})
			seq++
		}
	}
}
