package server

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"gridhub/hub/audit"
	"gridhub/hub/broker"
)

// auditHead is the signed head of the audit log, in the data folder.
const auditHead = "audit.head"

// openAudit comes before the parts whose acts it records; its head is signed
// with the archive's key, which is open by the time that Run asks for it.
func (h *Hub) openAudit(ctx context.Context) (err error) {
	h.audit, err = audit.Open(ctx, h.db, audit.Options{Now: h.now, Head: filepath.Join(h.cfg.Data, auditHead),
		Sign: func(text string) (string, error) { return h.archive.Vouch(text) },
		Open: func(signed string) (string, error) { return h.archive.Vouched(signed) }, Log: h.log})
	h.strangers = newStrangers(h.now)
	return err
}

// byHand records what the command line asks for, and then does it. What cannot
// be written down is not done.
func (h *Hub) byHand(act string, do http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		subject := r.PathValue("id")
		if subject == "" {
			subject = r.PathValue("key")
		}
		if err := h.consoleDid(r.Context(), act, subject, nil); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		do(w, r)
	}
}

func (h *Hub) consoleDid(ctx context.Context, act, subject string, detail map[string]string) error {
	err := h.audit.Append(ctx, audit.Entry{Account: console, Act: act, Subject: subject, Detail: detail})
	if err != nil {
		h.log.Error("the audit log cannot be written; nothing that it must hold is done", "error", err)
		return fmt.Errorf("this cannot be recorded, so it is not done: %w", err)
	}
	return nil
}

// didItself records what the hub has done without being asked by a person. It
// happened: a log that cannot be written does not undo it.
func (h *Hub) didItself(e audit.Entry) {
	if err := h.audit.Append(context.Background(), e); err != nil {
		h.log.Error("the audit log cannot be written", "act", e.Act, "subject", e.Subject, "error", err)
	}
}

// auditQuery reads what the command line asks for.
func auditQuery(v url.Values) (q audit.Query, err error) {
	q = audit.Query{Account: v.Get("account"), Person: v.Get("person"), Act: v.Get("act"), Subject: v.Get("subject")}
	for key, into := range map[string]*int64{"before": &q.Before, "from": (*int64)(&q.From), "to": (*int64)(&q.To)} {
		if s := v.Get(key); s != "" && err == nil {
			*into, err = strconv.ParseInt(s, 10, 64)
		}
	}
	if s := v.Get("limit"); s != "" && err == nil {
		q.Limit, err = strconv.Atoi(s)
	}
	return q, err
}

// auditLog gives the command line the newest entries.
func (h *Hub) auditLog(w http.ResponseWriter, r *http.Request) {
	q, err := auditQuery(r.URL.Query())
	if err != nil {
		answer(w, nil, err)
		return
	}
	list, err := h.audit.List(r.Context(), q)
	answer(w, list, err)
}

// auditChain walks the whole chain.
func (h *Hub) auditChain(w http.ResponseWriter, r *http.Request) {
	report, err := h.audit.Verify(r.Context())
	answer(w, report, err)
}

// auditExport streams the chain. One that was broken off lacks what its head
// names, which hub verify tells.
func (h *Hub) auditExport(w http.ResponseWriter, r *http.Request) {
	if err := h.audit.Export(r.Context(), w, 0); err != nil {
		h.log.Error("an export of the audit log was broken off", "error", err)
		panic(http.ErrAbortHandler)
	}
}

// strangers takes what the broker refused into the audit log without holding
// the broker up, and without letting a flood fill it.
type strangers struct {
	now   func() time.Time
	queue chan broker.Refusal // when full the newest is left out and counted

	mu   sync.Mutex
	seen map[string]time.Time // bounded by maxStrangers
	left int                  // out, since the last entry
}

const (
	strangersQueue = 256
	maxStrangers   = 1024
	strangersAgain = time.Hour // the same refusal is one entry within this
)

func newStrangers(now func() time.Time) *strangers {
	return &strangers{now: now, queue: make(chan broker.Refusal, strangersQueue), seen: map[string]time.Time{}}
}

// note never blocks.
func (s *strangers) note(r broker.Refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key, now := fmt.Sprint(r.ID, " ", r.What, " ", r.Cause), s.now()
	if at, ok := s.seen[key]; ok && now.Sub(at) < strangersAgain {
		return
	}
	select {
	case s.queue <- r:
	default:
		s.left++
		return
	}
	if len(s.seen) >= maxStrangers {
		clear(s.seen)
	}
	s.seen[key] = now
}

// recordStrangers writes refusals down until ctx ends.
func (h *Hub) recordStrangers(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case r := <-h.strangers.queue:
			h.didItself(h.strangers.entry(r))
		}
	}
}

// entry tells of a refusal. Of a client that is not known yet only the address
// is: what it called itself may be anything.
func (s *strangers) entry(r broker.Refusal) audit.Entry {
	s.mu.Lock()
	left := s.left
	s.left = 0
	s.mu.Unlock()
	e := audit.Entry{At: r.At, Account: audit.Anyone, Act: "device.refuse", Subject: string(r.ID), From: r.Remote,
		Detail: map[string]string{"what": r.What, "cause": r.Cause}}
	if r.ID != "" {
		e.Detail["detail"] = r.Detail
	}
	if left > 0 {
		e.Detail["left_out"] = fmt.Sprint(left)
	}
	return e
}
