package uplink

import (
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// ThisMachine reads the clocks of the machine that the program runs on. Where
// it does not tell its age, the program's stands for it, and each start of the
// program counts as one of the machine.
func ThisMachine() Machine {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		id = []byte(time.Now().String())
	}
	return Machine{Wall: time.Now, Up: new(uptime).now, Boot: strings.TrimSpace(string(id))}
}

// uptime is the age of the machine. It is read once a second; in between runs
// the program's own clock, which stands still while the machine sleeps.
type uptime struct {
	mu   sync.Mutex
	read time.Time // when age was
	age  time.Duration
	last time.Duration // told
}

func (u *uptime) now() time.Duration {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.read.IsZero() || time.Since(u.read) > time.Second {
		age, ok := readUptime()
		if !ok {
			age = time.Since(began)
		}
		u.age, u.read = max(u.last, age), time.Now() // what is read is cut to hundredths: it must not go back
	}
	u.last = u.age + time.Since(u.read)
	return u.last
}

// readUptime reads /proc/uptime, which no step of the wall clock moves and
// which counts sleep (proc_uptime(5)).
func readUptime() (time.Duration, bool) {
	b, err := os.ReadFile("/proc/uptime")
	if err != nil {
		return 0, false
	}
	text, _, _ := strings.Cut(string(b), " ")
	seconds, err := strconv.ParseFloat(text, 64)
	return time.Duration(seconds * float64(time.Second)), err == nil
}

var began = time.Now()
