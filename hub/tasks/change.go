package tasks

import (
	"context"
	"fmt"

	"gridhub/hub/identity"
	"gridhub/hub/store"
)

// change is the one way into a case: read its events, ask f for more, append
// them to the chain, index, commit, tell. f is not asked when the case has the
// command already, and returns no events when there is nothing to do. It sees no
// personal values.
func (p *Pool) change(ctx context.Context, id identity.CaseID, command string, f func(*store.Tx, []Event) ([]Event, error)) (Case, error) {
	if err := p.recollect(ctx, id, command); err != nil {
		return Case{}, err
	}
	var events []Event
	appended := false
	err := p.db.Join(ctx, func(tx *store.Tx) error {
		rev, taken, err := standing(ctx, tx, id, command)
		if err != nil {
			return err
		}
		read, err := p.recall(ctx, tx, known{id, rev})
		if err != nil {
			return err
		}
		events = read[id]
		marked := len(Fold(events).Marks)
		if taken {
			return nil
		}
		more, err := f(tx, events)
		if err != nil {
			return err
		}
		appended = len(more) > 0
		for i := range more {
			if err := p.append(ctx, tx, id, &events, more[i], command, i); err != nil {
				return err
			}
		}
		if !appended {
			return nil
		}
		c := Fold(events)
		if err := mark(ctx, tx, id, c.Marks[marked:]); err != nil {
			return err
		}
		return index(ctx, tx, &c, p.settle(events, &c))
	})
	if err != nil {
		return Case{}, err
	}
	p.remembered.keep(id, events)
	c := p.describe(events)
	if appended {
		p.ahead(&c, events)
		p.tell(c)
	}
	return c, nil
}

// tell says that a case changed, unless a later change of it was told: those who
// committed together come here in any order.
func (p *Pool) tell(c Case) {
	if p.changed == nil {
		return
	}
	p.telling.Lock()
	defer p.telling.Unlock()
	if p.told[c.ID] > c.Rev {
		return
	}
	if p.told == nil || len(p.told) >= toldMost {
		p.told = map[identity.CaseID]uint64{}
	}
	p.told[c.ID] = c.Rev
	p.changed(c)
}

// toldMost bounds the cases whose told revision is remembered; it serves those
// who are under way at one time, and is begun anew when it is full.
const toldMost = 4096

// recollect reads a case's events before its turn to write, so that those who
// wait for theirs do not wait for that too.
func (p *Pool) recollect(ctx context.Context, id identity.CaseID, command string) error {
	rev, _, err := standing(ctx, p.db, id, command)
	if err != nil || rev == 0 {
		return err
	}
	read, err := p.recall(ctx, p.db, known{id, rev})
	if err == nil {
		p.remembered.keep(id, read[id])
	}
	return err
}

func (p *Pool) append(ctx context.Context, tx *store.Tx, id identity.CaseID, events *[]Event, e Event, command string, i int) error {
	prev := ""
	if n := len(*events); n > 0 {
		prev = (*events)[n-1].Hash
	}
	if i > 0 {
		command = fmt.Sprintf("%s/%d", command, i)
	}
	e.Case, e.Seq = id, uint64(len(*events))+1
	if err := insert(ctx, tx, &e, command, prev); err != nil {
		return err
	}
	*events = append(*events, e)
	return nil
}
