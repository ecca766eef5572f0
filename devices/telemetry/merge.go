package telemetry

import "math"

// Instant is what is known of one device at one event time: a field per
// metric, sorted by metric, and the newest key that wrote to it.
type Instant struct {
	Key    Key
	Fields []Field
}

// Verdict says what a point did to its instant.
type Verdict uint8

const (
	Stored     Verdict = iota // it brought something new: the instant, or metrics that were missing
	Repeated                  // every value was there already
	Superseded                // it contradicted a value; the one with the greater key stays
)

func (v Verdict) String() string {
	switch v {
	case Stored:
		return "stored"
	case Repeated:
		return "repeated"
	}
	return "superseded"
}

// Merge brings fields, sorted by metric, into the instant. It appends to news
// the fields that changed it, which are those that a history has yet to write,
// and returns it. Values are compared bit by bit, so that a replay repeats.
func (i *Instant) Merge(k Key, fields []Field, news []Field) ([]Field, Verdict) {
	wins := k.Supersedes(i.Key)
	verdict, at := Repeated, 0
	for _, f := range fields {
		for at < len(i.Fields) && i.Fields[at].Metric < f.Metric {
			at++
		}
		switch {
		case at == len(i.Fields) || i.Fields[at].Metric != f.Metric:
			i.Fields = append(i.Fields, Field{})
			copy(i.Fields[at+1:], i.Fields[at:])
			i.Fields[at] = f
			news = append(news, f)
			if verdict == Repeated {
				verdict = Stored
			}
		case same(i.Fields[at].Value, f.Value):
		default:
			verdict = Superseded
			if wins {
				i.Fields[at].Value = f.Value
				news = append(news, f)
			}
		}
	}
	if wins {
		i.Key = k
	}
	return news, verdict
}

func same(a, b float64) bool { return math.Float64bits(a) == math.Float64bits(b) }
