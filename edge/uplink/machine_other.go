//go:build !linux

package uplink

import "time"

// ThisMachine reads the clocks that every system has: the program's age stands
// for the machine's, and each of its starts counts as a boot.
func ThisMachine() Machine {
	return Machine{Wall: time.Now, Up: func() time.Duration { return time.Since(began) }, Boot: began.String()}
}

var began = time.Now()
