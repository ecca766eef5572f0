package alike

import (
	"context"
	"fmt"

	"gridhub/devices/telemetry"
	"gridhub/hub/geo"
)

// About returns cases of one matter near a place, best first, before there is a
// case to compare them with. Words are not asked: whoever could try texts here
// would learn what others wrote.
func (f *Finder) About(ctx context.Context, matter string, at geo.Point) ([]Match, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.catchUp(ctx); err != nil {
		return nil, fmt.Errorf("alike: %w", err)
	}
	return f.index.Find(Entry{Matter: matter, Domain: f.domain[matter], Place: at, At: telemetry.At(f.now())}), nil
}
