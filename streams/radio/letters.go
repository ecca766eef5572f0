package radio

import (
	"sync"

	"gridhub/streams/sfu"
)

// letter is how many packets of sound travel in one message: a tenth of a
// second, which is heard as delay, and keeps a device far below its quota.
const letter = 5

// letters bring sound to devices for which messages are the only way. Safe for
// concurrent use.
type letters struct {
	post func(device string, all []sound)

	mu    sync.Mutex
	begun map[string][]sound // by device: what waits to fill a letter
}

// take says whether a device gets letters.
func (l *letters) take(device string, gets bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !gets {
		delete(l.begun, device)
		return
	}
	if l.begun == nil {
		l.begun = map[string][]sound{}
	}
	l.begun[device] = nil
}

// add puts a packet into the device's letter. False: it gets none.
func (l *letters) add(device string, f sfu.Frame) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	waits, gets := l.begun[device]
	if !gets {
		return false
	}
	waits = append(waits, sound{N: f.Seq, At: f.TS, Data: f.Payload})
	if len(waits) >= letter {
		l.post(device, waits)
		waits = nil
	}
	l.begun[device] = waits
	return true
}

// flush sends what waits, be it little: a burst has ended.
func (l *letters) flush(device string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if waits := l.begun[device]; len(waits) > 0 {
		l.post(device, waits)
		l.begun[device] = nil
	}
}
