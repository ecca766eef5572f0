package history

import (
	"bufio"
	"io"
	"slices"
	"strings"

	"gridhub/devices/telemetry"
)

// WriteLines writes series of any number of devices and kinds as line protocol:
// what one device has at one instant is one line again. The series must be
// sorted as answers are.
func WriteLines(w io.Writer, all []Series) error {
	out := bufio.NewWriter(w)
	for len(all) > 0 {
		n := 1
		for n < len(all) && all[n].Device == all[0].Device && all[n].Kind == all[0].Kind {
			n++
		}
		if err := writeDevice(out, all[:n]); err != nil {
			return err
		}
		all = all[n:]
	}
	return out.Flush()
}

// writeDevice merges the metrics of one device and kind by instant.
func writeDevice(out *bufio.Writer, all []Series) error {
	points := map[telemetry.Millis]*telemetry.Point{}
	var order []*telemetry.Point
	for _, s := range all {
		for _, x := range s.Samples {
			p := points[x.At]
			if p == nil {
				p = &telemetry.Point{Device: s.Device, Kind: s.Kind, At: x.At}
				points[x.At] = p
				order = append(order, p)
			}
			if s.Metric == QualityField {
				p.Quality = telemetry.Quality(x.Value)
			} else {
				p.Fields = append(p.Fields, telemetry.Field{Metric: s.Metric, Value: x.Value})
			}
		}
	}
	slices.SortFunc(order, func(a, b *telemetry.Point) int { return int(a.At - b.At) })
	var line []byte
	for _, p := range order {
		slices.SortFunc(p.Fields, func(a, b telemetry.Field) int { return strings.Compare(a.Metric, b.Metric) })
		line = AppendLine(line[:0], p)
		if _, err := out.Write(line); err != nil {
			return err
		}
	}
	return nil
}
