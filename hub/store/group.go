package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// groupMost bounds how many writes share one commit, so that none waits long for
// those behind it.
const groupMost = 64

// queue holds the writes that may share a transaction. Whoever has the turn takes
// all that wait, runs them one after the other and commits once: the disk is
// waited for once, and so is the server.
type queue struct {
	mu      sync.Mutex // guards the field below
	waiting []*write   // as long as there are callers, who wait in it
}

// write is one call of Join. Who has the turn owns err and fell until done is
// closed.
type write struct {
	ctx  context.Context
	f    func(*Tx) error
	err  error
	fell any // what f panicked with
	done chan struct{}
}

// Join is Write for what comes often: f may share its transaction with others
// that wait, each seeing what those before it wrote. So f reads by its Tx alone;
// beside it, what is not committed yet is not seen. A write that fails takes back
// its own changes and nothing else; when the commit fails, all of them fail.
//
// One whose ctx has ended before its turn is not run. Later it is run to its end,
// as a query that is broken off would cost the others their transaction.
func (db *DB) Join(ctx context.Context, f func(*Tx) error) error {
	w := &write{ctx: ctx, f: f, done: make(chan struct{})}
	db.queue.add(w)
	for {
		select {
		case <-w.done:
			if w.fell != nil {
				panic(w.fell)
			}
			return w.err
		case db.turn <- struct{}{}:
			db.serve()
		}
	}
}

// serve writes for those who wait, and gives the turn back.
func (db *DB) serve() {
	group := db.queue.take()
	defer func() {
		for _, w := range group {
			close(w.done)
		}
		<-db.turn
	}()
	if len(group) == 0 {
		return
	}
	if err := db.together(group); err != nil {
		for _, w := range group {
			if w.err == nil {
				w.err = err
			}
		}
	}
}

func (q *queue) add(w *write) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, w)
}

func (q *queue) take() []*write {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := min(len(q.waiting), groupMost)
	group := q.waiting[:n:n]
	q.waiting = q.waiting[n:]
	return group
}

// together runs writes in one transaction. Its error is of all those that have
// none of their own.
func (db *DB) together(group []*write) error {
	ctx := context.WithoutCancel(group[0].ctx)
	return db.transaction(ctx, func(tx *Tx) error {
		for _, w := range group {
			if w.err = w.ctx.Err(); w.err != nil {
				continue
			}
			t := &Tx{tx: tx.tx, dialect: tx.dialect, shared: len(group) > 1}
			switch w.run(t); {
			case w.err == nil:
				continue
			case !t.shared:
				return w.err
			}
			if err := t.back(ctx); err != nil {
				return fmt.Errorf("the transaction that it shared was lost: %w", err)
			}
		}
		return nil
	})
}

// run calls f; a panic is kept for the caller.
func (w *write) run(tx *Tx) {
	w.err = errors.New("a write did not return") // as long as it has not
	defer func() { w.fell = recover() }()
	w.err = w.f(tx)
}

// begin sets the savepoint to which a shared write goes back, before its first
// query. One of the same name hides that of the write before.
func (tx *Tx) begin(ctx context.Context) (context.Context, error) {
	if !tx.shared {
		return ctx, nil
	}
	ctx = context.WithoutCancel(ctx)
	if tx.begun {
		return ctx, nil
	}
	tx.begun = true
	_, err := tx.tx.ExecContext(ctx, "SAVEPOINT one")
	return ctx, err
}

// back undoes what a shared write did.
func (tx *Tx) back(ctx context.Context) error {
	if !tx.begun {
		return nil
	}
	_, err := tx.tx.ExecContext(ctx, "ROLLBACK TO SAVEPOINT one")
	return err
}
