package sfu

import (
	"errors"
	"fmt"
	"strings"

	"github.com/pion/sdp/v3"
)

// What an offer may hold. A browser with eight media sections sends about
// 20 KiB and a dozen candidates.
const (
	MaxSDP        = 64 << 10
	maxCandidates = 50
	maxSections   = 64
	maxLines      = 4096
)

// ErrOffer is what every rejected session description wraps: the client sent
// something that no second try can mend.
var ErrOffer = errors.New("offer refused")

// offer is a session description that passed the limits.
type offer struct {
	sdp     string // without candidates
	session uint64 // identifies the client's RTCPeerConnection over re-offers
}

// readOffer checks raw against the limits and removes its candidates: the
// server learns a client's addresses from the checks that reach it, and never
// sends to an address just because somebody named it.
func readOffer(raw string) (offer, error) {
	if len(raw) > MaxSDP {
		return offer{}, fmt.Errorf("%w: %d bytes, at most %d", ErrOffer, len(raw), MaxSDP)
	}
	clean, err := withoutCandidates(raw)
	if err != nil {
		return offer{}, err
	}
	var parsed sdp.SessionDescription
	if err := parsed.UnmarshalString(clean); err != nil {
		return offer{}, fmt.Errorf("%w: %w", ErrOffer, err)
	}
	if n := len(parsed.MediaDescriptions); n == 0 || n > maxSections {
		return offer{}, fmt.Errorf("%w: %d media sections, want 1 to %d", ErrOffer, n, maxSections)
	}
	return offer{sdp: clean, session: parsed.Origin.SessionID}, nil
}

func withoutCandidates(raw string) (string, error) {
	var out strings.Builder
	out.Grow(len(raw))
	candidates, lines := 0, 0
	for line := range strings.Lines(raw) {
		if lines++; lines > maxLines {
			return "", fmt.Errorf("%w: more than %d lines", ErrOffer, maxLines)
		}
		if strings.HasPrefix(line, "a=candidate:") {
			if candidates++; candidates > maxCandidates {
				return "", fmt.Errorf("%w: more than %d candidates", ErrOffer, maxCandidates)
			}
			continue
		}
		out.WriteString(line)
	}
	return out.String(), nil
}
