package record

import "time"

// step is the shortest Opus frame: what sound is corrected by.
const step = 2500 * time.Microsecond

// The two pieces of silence that are put where sound is missing: fullband CELT
// frames without content (RFC 6716, 3.1 and table 2).
var (
	silence20 = []byte{31 << 3, 0xff, 0xfe} // 20 ms
	silence2  = []byte{28 << 3, 0xff, 0xfe} // 2.5 ms
)

// opusDuration is how long a packet plays (RFC 6716, 3.1); 0 for what is no
// Opus packet. No packet plays longer than 120 ms.
func opusDuration(b []byte) time.Duration {
	if len(b) == 0 {
		return 0
	}
	frames := 0
	switch b[0] & 3 {
	case 0:
		frames = 1
	case 1, 2:
		frames = 2
	case 3:
		if len(b) < 2 {
			return 0
		}
		frames = int(b[1] & 63)
	}
	d := time.Duration(frames) * opusFrame(b[0]>>3)
	if d > 120*time.Millisecond {
		return 0
	}
	return d
}

// opusFrame is the length of one frame of a configuration.
func opusFrame(config byte) time.Duration {
	switch {
	case config < 12: // SILK
		return []time.Duration{10, 20, 40, 60}[config%4] * time.Millisecond
	case config < 16: // hybrid
		return []time.Duration{10, 20}[config%2] * time.Millisecond
	}
	return step << (config % 4) // CELT
}

// opusHead is the codec's private data (RFC 7845, 5.1): two channels at 48 kHz,
// nothing skipped.
var opusHead = []byte{'O', 'p', 'u', 's', 'H', 'e', 'a', 'd', 1, 2, 0, 0, 0x80, 0xbb, 0, 0, 0, 0, 0}
