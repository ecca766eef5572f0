package pages_test

import "testing"

// A dispatcher works through the pool by keyboard, several cases at once.
func TestThePoolByKeyboard(t *testing.T) {
	s := open(t, place{})
	s.staff("p-017")
	s.browse("pool", task{})
}
