package pages_test

import (
	"flag"
	"fmt"
	"testing"
	"time"
)

var pictures = flag.Bool("pictures", false, "take the pictures of the documentation, into .cache/pages")

// TestPictures is no test but a tool: it is where the street can be started.
func TestPictures(t *testing.T) {
	if !*pictures {
		return
	}
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
