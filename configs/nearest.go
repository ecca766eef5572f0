package configs

import (
	"slices"
	"strings"
)

// Nearest returns the one of known that a person most likely meant by s, or ""
// when none is near: at most two letters, and a third of the word, wrong.
func Nearest(s string, known []string) string {
	best, least := "", min(2, max(1, len(s)/3))+1
	for _, k := range slices.Sorted(slices.Values(known)) {
		if d := distance(fold(s), fold(k)); d < least {
			best, least = k, d
		}
	}
	return best
}

// fold ignores what people mix up in keys: case, and - against _.
func fold(s string) string { return strings.ToLower(strings.ReplaceAll(s, "-", "_")) }

// Unknown phrases "s is not known here" with the nearest and all known names.
func Unknown(s string, known []string) string {
	if hint := Nearest(s, known); hint != "" {
		return "not known here, did you mean " + hint + "?"
	}
	if len(known) == 0 {
		return "not known here"
	}
	return "not known here, want one of " + strings.Join(slices.Sorted(slices.Values(known)), ", ")
}

// distance is the number of letters to insert, delete, change or swap with a
// neighbour to make a into b.
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	var before []int
	row := make([]int, len(y)+1)
	for j := range row {
		row[j] = j
	}
	for i := range x {
		next := make([]int, len(y)+1)
		next[0] = i + 1
		for j := range y {
			cost := 1
			if x[i] == y[j] {
				cost = 0
			}
			next[j+1] = min(row[j]+cost, row[j+1]+1, next[j]+1)
			if i > 0 && j > 0 && x[i] == y[j-1] && x[i-1] == y[j] {
				next[j+1] = min(next[j+1], before[j-1]+1)
			}
		}
		before, row = row, next
	}
	return row[len(y)]
}
