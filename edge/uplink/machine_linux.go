package uplink

import (
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// ThisMachine reads the clocks of the machine that the program runs on.
func ThisMachine() Machine {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		id = []byte(time.Now().String()) // each start of the program then counts as one of the machine
	}
	return Machine{Wall: time.Now, Up: sinceBoot, Boot: strings.TrimSpace(string(id))}
}

// sinceBoot is CLOCK_BOOTTIME, which no step of the wall clock moves and which
// goes on while the machine sleeps (clock_gettime(2)).
func sinceBoot() time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		return time.Since(began)
	}
	return time.Duration(ts.Nano())
}

var began = time.Now()
