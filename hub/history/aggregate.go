package history

import (
	"time"

	"gridhub/devices/telemetry"
)

// Aggregate returns one value for each span of s that has any; see
// Store.Downsample. Samples must be oldest first.
func Aggregate(s []Sample, every time.Duration, fn Fn) []Sample {
	step := telemetry.Millis(every.Milliseconds())
	var out []Sample
	for i := 0; i < len(s); {
		begin := s[i].At - s[i].At%step
		n := i
		for n < len(s) && s[n].At < begin+step {
			n++
		}
		out = append(out, Sample{At: begin, Value: reduce(s[i:n], fn)})
		i = n
	}
	return out
}

func reduce(s []Sample, fn Fn) float64 {
	v := s[0].Value
	switch fn {
	case Count:
		return float64(len(s))
	case Last:
		return s[len(s)-1].Value
	}
	for _, x := range s[1:] {
		switch fn {
		case Min:
			v = min(v, x.Value)
		case Max:
			v = max(v, x.Value)
		default:
			v += x.Value
		}
	}
	if fn == Mean {
		v /= float64(len(s))
	}
	return v
}
