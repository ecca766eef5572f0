// Package alike finds cases that speak of the same thing: the same place, about
// the same time, the same matter, the same words. An open one is a duplicate
// that can be merged; a closed one says that the trouble came back.
//
// It promises an answer in the time of the neighbourhood, not of the pool, and
// a reason for every suggestion. It decides nothing: people merge. Words are
// compared as pairs of characters, which needs no dictionary for Chinese and
// forgives what people type.
package alike

import (
	"cmp"
	"math"
	"slices"
	"unicode"

	"gridhub/devices/telemetry"
	"gridhub/hub/geo"
	"gridhub/hub/identity"
)

// Config says what is near and what is alike.
type Config struct {
	Near  geo.Metres       // farther apart is another place
	Apart telemetry.Millis // longer apart is another time
	Least float64          // score from 0 to 1 below which nothing is suggested
	Most  int              // suggestions
}

// Default suits a street: the same block, the same month.
func Default() Config {
	return Config{Near: 300, Apart: 30 * day, Least: 0.55, Most: 5}
}

const day telemetry.Millis = 24 * 3600 * 1000

// Entry is what is compared of a case.
type Entry struct {
	Case   identity.CaseID
	Matter string
	Domain string // of the matter: related ones are somewhat alike
	Place  geo.Point
	At     telemetry.Millis
	Open   bool
	Words  Words
}

// Kinds of suggestions.
const (
	Duplicate = "duplicate" // the other case is open
	Repeat    = "repeat"    // the other case was closed before this one was reported
)

// Match is one suggestion. Reasons are typed: same-place, near, same-matter,
// related-matter, same-words, similar-words, same-day, same-week.
type Match struct {
	Case     identity.CaseID `json:"case"`
	Kind     string          `json:"kind" enum:"duplicate,repeat"`
	Score    float64         `json:"score" doc:"0 to 1"`
	Distance geo.Metres      `json:"distance_m"`
	Apart    int64           `json:"apart_s" doc:"seconds between the two reports"`
	Text     float64         `json:"text" doc:"how alike the words are, 0 to 1; 0 also when one has none"`
	Reasons  []string        `json:"reasons"`
}

// Words are the pairs of neighbouring letters and characters of a text, each
// once, as sorted numbers.
type Words []uint64

// maxWords bounds what is compared of one text.
const maxWords = 1024

// NewWords reads a text. Punctuation and spaces separate nothing and count for
// nothing; letters are taken small. A text of one character has one half pair.
func NewWords(text string) Words {
	var out Words
	var last rune
	n := 0
	for _, r := range text {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			continue
		}
		r = unicode.ToLower(r)
		if n++; n > 1 {
			out = append(out, uint64(last)<<32|uint64(r))
		}
		if last = r; n > maxWords {
			break
		}
	}
	if n == 1 {
		out = Words{uint64(last)}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Alike compares two texts, 0 to 1: the mean of the share of all pairs that they
// have in common (Jaccard) and of the shorter one's that the longer one has
// (containment). The second lets a short report be found in a long one, and
// counts in full only from eight pairs on.
func Alike(a, b Words) float64 {
	if len(a) == 0 || len(b) == 0 {
		return 0
	}
	both := 0
	for i, j := 0, 0; i < len(a) && j < len(b); {
		switch c := cmp.Compare(a[i], b[j]); {
		case c < 0:
			i++
		case c > 0:
			j++
		default:
			both, i, j = both+1, i+1, j+1
		}
	}
	short := min(len(a), len(b))
	jaccard := float64(both) / float64(len(a)+len(b)-both)
	contained := float64(both) / float64(short) * math.Min(1, float64(short)/8)
	return math.Max(jaccard, (jaccard+contained)/2)
}

// weights of place, matter, time and words in a score.
const (
	byPlace, byMatter, byTime, byWords = 0.35, 0.25, 0.1, 0.3
	related                            = 0.3 // of byMatter, for another matter of the same domain
)

// compare scores two entries; false when they cannot be the same thing, or not
// as much as least. Words are compared last, and only where they could still
// make the score.
func (c Config) compare(e, o *Entry, least float64) (Match, bool) {
	apart := max(e.At-o.At, o.At-e.At)
	if apart > c.Apart || e.Case == o.Case || e.Matter != o.Matter && e.Domain != o.Domain {
		return Match{}, false
	}
	if math.Abs(e.Place.Lat-o.Place.Lat)*metresPerDegree > float64(c.Near) {
		return Match{}, false
	}
	m := Match{Case: o.Case, Kind: Duplicate, Distance: geo.Distance(e.Place, o.Place), Apart: int64(apart / 1000)}
	if m.Distance > c.Near {
		return m, false
	}
	if !o.Open {
		m.Kind = Repeat
	}
	matter := related
	if e.Matter == o.Matter {
		matter = 1
	}
	sum := byPlace*(1-float64(m.Distance/c.Near)) + byMatter*matter + byTime*(1-float64(apart)/float64(c.Apart))
	weight := 1 - byWords // a sensor says nothing: the rest decides
	if len(e.Words) > 0 && len(o.Words) > 0 {
		if sum+byWords < least {
			return m, false
		}
		m.Text, weight = round(Alike(e.Words, o.Words)), 1
		sum += byWords * m.Text
	}
	m.Score = round(sum / weight)
	return m, m.Score >= least
}

func reasons(m *Match, sameMatter bool) (out []string) {
	say := func(is bool, what, or string) {
		if is {
			out = append(out, what)
		} else if or != "" {
			out = append(out, or)
		}
	}
	say(m.Distance <= 30, "same-place", "near")
	say(sameMatter, "same-matter", "related-matter")
	if m.Text >= 0.3 {
		say(m.Text >= 0.7, "same-words", "similar-words")
	}
	if m.Apart <= 7*24*3600 {
		say(m.Apart <= 24*3600, "same-day", "same-week")
	}
	return out
}

func round(v float64) float64 { return math.Round(v*1000) / 1000 }
