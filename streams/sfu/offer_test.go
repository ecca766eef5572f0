package sfu

import (
	"errors"
	"strings"
	"testing"
)

const smallOffer = "v=0\r\no=- 42 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n" +
	"m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\n"

const oneCandidate = "a=candidate:1 1 udp 2122260223 192.168.1.20 50000 typ host\r\n"

func TestReadOffer(t *testing.T) {
	o, err := readOffer(smallOffer + strings.Repeat(oneCandidate, maxCandidates))
	if err != nil {
		t.Fatal(err)
	}
	if o.session != 42 || strings.Contains(o.sdp, "192.168.1.20") {
		t.Errorf("session %d, %q", o.session, o.sdp)
	}
	for name, raw := range map[string]string{
		"empty":         "",
		"garbage":       "\xff\x00",
		"no media":      strings.SplitAfter(smallOffer, "t=0 0\r\n")[0],
		"many sections": smallOffer + strings.Repeat("m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n", maxSections),
		"candidates":    smallOffer + strings.Repeat(oneCandidate, maxCandidates+1),
		"lines":         smallOffer + strings.Repeat("a=x\r\n", maxLines),
		"bytes":         smallOffer + "a=" + strings.Repeat("x", MaxSDP) + "\r\n",
	} {
		if _, err := readOffer(raw); !errors.Is(err, ErrOffer) {
			t.Errorf("%s: %v, want %v", name, err, ErrOffer)
		}
	}
}

func FuzzReadOffer(f *testing.F) {
	f.Add(smallOffer)
	f.Add(smallOffer + oneCandidate)
	f.Fuzz(func(t *testing.T, raw string) {
		o, err := readOffer(raw)
		if err == nil && strings.Contains(o.sdp, "\na=candidate:") {
			t.Errorf("a candidate passed: %q", o.sdp)
		}
	})
}
