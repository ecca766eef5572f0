// Command stays measures how well stays are found in invented days on foot
// (12 m of error, a fix every 10 s), side by side with the usual detector of
// vehicle trackers: a stop lasts while fixes stay within 200 m. The last line
// is JSON.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"time"

	"gridhub/hub/geo"
	"gridhub/hub/geo/geotest"
)

// result is the last line. Dwell errors are medians in seconds.
type result struct {
	Bench       string  `json:"bench"`
	Days        int     `json:"days"`
	F1          float64 `json:"f1"`
	Dwell       float64 `json:"dwell_error_s"`
	F1Drifting  float64 `json:"f1_drifting"`
	PeerF1      float64 `json:"f1_200m_radius"`
	FixesPerSec float64 `json:"fixes_per_s"`
}

func main() {
	days := flag.Int("days", 200, "how many days to invent")
	flag.Parse()
	r := result{Bench: "stays", Days: *days}
	var ours, drifting, peer, errors []float64
	fixes, took := 0, time.Duration(0)
	for seed := range uint64(*days) {
		d := geotest.Day(seed, 12, 0, 10*time.Second)
		began := time.Now()
		track := geo.BuildTrack(d.Fixes, geo.OnFoot())
		took += time.Since(began)
		fixes += len(d.Fixes)
		f1, e := geotest.Score(d.Stays, track.Stays)
		ours, errors = append(ours, f1), append(errors, e...)
		f1, _ = geotest.Score(d.Stays, within(d.Fixes, 200, 2*time.Minute))
		peer = append(peer, f1)
		d = geotest.Day(seed, 12, 0.7, 10*time.Second)
		f1, _ = geotest.Score(d.Stays, geo.BuildTrack(d.Fixes, geo.OnFoot()).Stays)
		drifting = append(drifting, f1)
	}
	r.F1, r.F1Drifting, r.PeerF1, r.Dwell = middle(ours), middle(drifting), middle(peer), middle(errors)
	r.FixesPerSec = float64(fixes) / took.Seconds()
	fmt.Printf("%d days: F1 %.3f, median dwell error %.0f s; errors that drift: F1 %.3f; a 200 m radius: F1 %.3f; %.0f fixes/s\n",
		r.Days, r.F1, r.Dwell, r.F1Drifting, r.PeerF1, r.FixesPerSec)
	if err := json.NewEncoder(os.Stdout).Encode(r); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func middle(v []float64) float64 {
	slices.Sort(v)
	return v[len(v)/2]
}

// within is the peer: a stop is a run of fixes within a radius of its first.
func within(fixes []geo.Fix, radius geo.Metres, least time.Duration) []geo.Stay {
	var out []geo.Stay
	for i := 0; i < len(fixes); {
		j := i + 1
		for j < len(fixes) && geo.Distance(fixes[i].Point, fixes[j].Point) <= radius {
			j++
		}
		if s := (geo.Stay{From: fixes[i].At, To: fixes[j-1].At}); s.To.Sub(s.From) >= least {
			out = append(out, s)
		}
		i = j
	}
	return out
}
