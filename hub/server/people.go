package server

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"gridhub/devices"
	"gridhub/devices/telemetry"
	"gridhub/hub/api"
	"gridhub/hub/identity"
	"gridhub/hub/oidc"
	"gridhub/hub/people"
	"gridhub/hub/tasks"
)

// accountsKeyFile closes the secrets of second factors, below the data folder.
const accountsKeyFile = "accounts.key"

// openAccounts needs the staff's tables.
func (h *Hub) openAccounts() error {
	key, err := ownKey(filepath.Join(h.cfg.Data, accountsKeyFile))
	if err != nil {
		return fmt.Errorf("accounts: %w", err)
	}
	h.accounts = people.OpenAccounts(h.db, h.now)
	if h.cfg.OIDC.Issuer != "" {
		if h.oidc, err = oidc.New(h.cfg.OIDC, h.accounts); err != nil {
			return err
		}
	}
	return h.accounts.Enforce(people.Rules{SecondFactor: h.cfg.Accounts.SecondFactor, Key: key, Ended: h.accountEnded})
}

// ownKey reads a key of 32 bytes, or makes it, readable for the owner alone.
func ownKey(file string) ([]byte, error) {
	key, err := os.ReadFile(file)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	key = make([]byte, 32)
	_, _ = rand.Read(key) // never fails (crypto/rand since Go 1.24)
	return key, os.WriteFile(file, key, 0o600)
}

// accountEnded cuts the terminals of somebody whose account was disabled.
func (h *Hub) accountEnded(acc people.Account) {
	for _, id := range h.registry.Terminals(acc.Person) {
		h.broker.Disconnect(id, "the account was disabled")
	}
}

// barred reports whether a terminal's person may not sign in any more: there
// are accounts of the person, and all are disabled.
func (h *Hub) barred(ctx context.Context, id devices.ID) (bool, error) {
	person, bound := h.registry.Person(id)
	if !bound {
		return false, nil
	}
	all, err := h.accounts.Accounts(ctx)
	barred := false
	for _, a := range all {
		if a.Person != person {
			continue
		}
		if !a.Disabled {
			return false, nil
		}
		barred = true
	}
	return barred, err
}

// present adds to who a session belongs to for whom the person stands in now.
func (c claimable) present(p identity.Principal, err error) (identity.Principal, error) {
	p.For = c.h.staff.StandsFor(p.Person, telemetry.At(c.h.now()))
	return p, err
}

func (c claimable) Session(ctx context.Context, session string) (identity.Principal, error) {
	return c.present(c.accounts.Session(ctx, session))
}

func (c claimable) Alive(ctx context.Context, session string) (identity.Principal, error) {
	return c.present(c.accounts.Alive(ctx, session))
}

// newcomers brings tables of staff in, and knows what the street has.
type newcomers struct{ h *Hub }

func (n newcomers) ImportTable(ctx context.Context, data []byte, dry bool) (people.ImportReport, error) {
	known := people.Known{Departments: n.h.files.Departments}
	if n.h.files.Grids != nil {
		for _, g := range n.h.files.Grids.All() {
			known.Grids = append(known.Grids, g.Code)
		}
	}
	return n.h.staff.ImportTable(ctx, data, known, dry)
}

// figuresOf are the figures of the cases within reach.
func (h *Hub) figuresOf(r identity.Reach) api.Figures {
	return h.figures.Over(boundedPool{h.pool, r})
}

// boundedPool shows the cases within reach.
type boundedPool struct {
	*tasks.Pool
	reach identity.Reach
}

func (p boundedPool) Period(ctx context.Context, from, to telemetry.Millis, see func(tasks.Digest) error) error {
	return p.Pool.PeriodWithin(ctx, from, to, p.reach, see)
}

// sessionLook is how often an open call socket asks whether its session still
// lives.
const sessionLook = 3 * time.Second

// whileSignedIn ends what a handler keeps open when the session ends.
func (h *Hub) whileSignedIn(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := r.Cookie(api.SessionCookie)
		if err != nil {
			http.Error(w, "not signed in", http.StatusUnauthorized)
			return
		}
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		go func() {
			tick := time.NewTicker(sessionLook)
			defer tick.Stop()
			for {
				select {
				case <-ctx.Done():
					return
				case <-tick.C:
				}
				if p, err := h.accounts.Alive(ctx, c.Value); err != nil || p.Unproven {
					cancel()
				}
			}
		}()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// instead puts who stands in for the absent into a dispatch or an order, and
// says so in its reason.
func (h *Hub) instead(cmd tasks.Command) (tasks.Command, error) {
	if cmd.Assignee == "" || cmd.Type != tasks.Dispatched && cmd.Type != tasks.Ordered {
		return cmd, nil
	}
	now := telemetry.At(h.now())
	a, absent := h.staff.Absent(cmd.Assignee, now)
	if !absent {
		return cmd, nil
	}
	deputy := h.staff.Stand(cmd.Assignee, now)
	if deputy == "" {
		return cmd, &tasks.RefusedError{Code: "absent", Reason: fmt.Sprintf("%s is absent (%s) until %s, and nobody stands in", a.Person, a.Reason,
			a.To.Time().In(h.files.Zone()).Format("2006-01-02 15:04"))}
	}
	if cmd.Why != "" {
		cmd.Why += "; "
	}
	cmd.Why += fmt.Sprintf("代 %s（%s） for %s (%s)", a.Person, absenceWords[a.Reason], a.Person, a.Reason)
	cmd.Assignee = deputy
	return cmd, nil
}

// present is the superior of a department, or who stands in for one who is
// absent; the absent one if nobody does.
func (h *Hub) present(ctx context.Context, department string, level tasks.Level) identity.PersonID {
	superior := h.superior(ctx, department, level)
	return cmp.Or(h.staff.Stand(superior, telemetry.At(h.now())), superior)
}

// absenceWords are the reasons of an absence in the street's language.
var absenceWords = map[string]string{"leave": "休假", "sick": "病假", "training": "培训", "errand": "公出", "other": "其他"}
