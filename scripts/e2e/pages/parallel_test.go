package pages_test

import "testing"

// Several on one case: a lead, two co-handlers of whom one has a phone, a
// counter-sign that is vetoed and a second one, and a desk that sees whose the
// time is.
func TestSeveralOnOneCase(t *testing.T) {
	s := open(t, place{})
	s.staff("p-341", "p-289")
	s.browse("parallel", task{Person: "p-289"})
}
