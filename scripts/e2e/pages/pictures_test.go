//go:build pictures

package pages_test

import (
	"fmt"
	"testing"
	"time"
)

// TestPictures is no test but a tool, built on request alone: go test -tags
// pictures -run TestPictures takes the documentation's pictures, and one of
// every room and page, into .cache/pages.
func TestPictures(t *testing.T) {
	s := open(t, place{})
	persons := make([]string, 60)
	for i := range persons {
		persons[i] = fmt.Sprintf("p-%03d", i+1)
	}
	s.staff(append(persons, "p-167")...)
	s.sensors(150 * time.Second)
	s.walkers(persons...)
	s.browse("pictures", task{Person: "p-167"})
}

// TestPicturesOfABadNight takes what the centre shows when dozens of hazards
// stand at once.
func TestPicturesOfABadNight(t *testing.T) {
	s := open(t, place{})
	s.staff()
	s.sensors(2 * time.Second)
	s.browse("night", task{})
}
