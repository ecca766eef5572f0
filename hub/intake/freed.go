package intake

import "slices"

// freed remembers what replays have brought out of quarantine, so that a replay
// that was appended twice, as after a crash, counts once. The two lie close to
// each other, so the newest are enough.
type freed struct {
	order []freedItem // oldest first
	set   map[freedItem]bool
}

type freedItem struct {
	number uint64
	item   int
}

// maxFreed is how many items are remembered.
const maxFreed = 1 << 13

func (f *freed) add(number uint64, item int) {
	k := freedItem{number, item}
	if f.set[k] {
		return
	}
	if len(f.order) == maxFreed {
		delete(f.set, f.order[0])
		f.order = f.order[1:]
	}
	f.order = append(f.order, k)
	f.set[k] = true
}

// drop takes out of a replay what has come out before.
func (f *freed) drop(p *replay) {
	p.items = slices.DeleteFunc(p.items, func(h held) bool { return f.set[freedItem{p.original, h.item}] })
}
