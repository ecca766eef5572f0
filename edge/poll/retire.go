package poll

import "context"

// retirement lets a line end between two readings.
type retirement struct{ asked chan struct{} }

func newRetirement() retirement { return retirement{make(chan struct{}, 1)} }

// Retire makes Run return after the reading at hand, which is still reported.
// It does not wait, and may be called before Run, repeatedly and concurrently.
func (r retirement) Retire() {
	select {
	case r.asked <- struct{}{}:
	default: // it is asked already
	}
}

// until returns a context that ends with ctx or when the line is to retire.
// release must be called.
func (r retirement) until(ctx context.Context) (idle context.Context, release func()) {
	idle, cancel := context.WithCancel(ctx)
	go func() {
		select {
		case <-r.asked:
			cancel()
		case <-idle.Done():
		}
	}()
	return idle, cancel
}
