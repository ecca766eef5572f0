package api

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"gridhub/devices/telemetry"
	"gridhub/hub/audit"
	"gridhub/hub/identity"

	"github.com/danielgtaylor/huma/v2"
)

// act says how an operation enters the audit log, before it is done: what
// cannot be written down is not done. What fails after that gets a second entry.
type act struct {
	name  string
	look  bool // a look: the same one again within lookAgain is not written twice
	about func(in any) (subject, reason string, detail map[string]string)
}

// about tells of an operation's input what an entry needs.
func about[I any](f func(*I) (subject, reason string, detail map[string]string)) func(any) (string, string, map[string]string) {
	return func(in any) (string, string, map[string]string) { return f(in.(*I)) }
}

// on is about for inputs of which only a subject is told.
func on[I any](subject func(*I) string) func(any) (string, string, map[string]string) {
	return about(func(in *I) (string, string, map[string]string) { return subject(in), "", nil })
}

// acts are the operations that enter the audit log. Steps of cases are not
// here: a case is its own chain of events.
var acts = map[string]act{
	"put-account": {name: "account.put", about: about(func(in *accountInput) (string, string, map[string]string) {
		return in.Body.Name, "", map[string]string{"person": string(in.Body.Person), "roles": joined(in.Body.Roles), "scopes": spelled(in.Body.Scopes)}
	})},
	"change-account": {name: "account.change", about: about(func(in *changeAccountInput) (string, string, map[string]string) {
		b := in.Body
		return in.Account, "", map[string]string{"person": string(b.Person), "roles": joined(b.Roles), "scopes": spelled(b.Scopes),
			"disabled": strconv.FormatBool(b.Disabled), "provider": strconv.FormatBool(b.Provider)}
	})},
	"set-password":          {name: "account.password-reset", about: on(func(in *setPasswordInput) string { return in.Account })},
	"reset-second-factor":   {name: "account.second-factor-reset", about: on(func(in *namedAccountInput) string { return in.Account })},
	"end-account-sessions":  {name: "account.sessions-end", about: on(func(in *namedAccountInput) string { return in.Account })},
	"change-password":       {name: "account.password", about: on(func(*passwordInput) string { return "" })},
	"confirm-second-factor": {name: "account.second-factor", about: on(func(*codeInput) string { return "" })},
	"remove-second-factor":  {name: "account.second-factor-remove", about: on(func(*codeInput) string { return "" })},
	"set-absence": {name: "absence.set", about: about(func(in *absenceInput) (string, string, map[string]string) {
		b := in.Body
		return string(b.Person), b.Reason, map[string]string{"deputy": string(b.Deputy), "from": instant(b.From), "to": instant(b.To)}
	})},
	"end-absence": {name: "absence.end", about: on(func(in *endAbsenceInput) string { return string(in.Person) })},
	"import-staff": {name: "people.import", about: about(func(in *staffImportInput) (string, string, map[string]string) {
		return "", "", map[string]string{"dry": strconv.FormatBool(in.Dry), "bytes": strconv.Itoa(len(in.RawBody))}
	})},
	"bind-terminal": {name: "terminal.bind", about: on(func(in *terminalInput) string { return string(in.Body.Known) })},
	"set-duty": {name: "duty.set", about: about(func(in *dutyInput) (string, string, map[string]string) {
		return "", "", map[string]string{"on": strconv.FormatBool(in.Body.On)}
	})},
	"track": {name: "track.look", look: true, about: about(func(in *trackInput) (string, string, map[string]string) {
		return string(in.Person), "", map[string]string{"from": instant(in.From), "to": instant(in.To)}
	})},
	"maintain": {name: "device.maintain", about: about(func(in *maintenanceInput) (string, string, map[string]string) {
		return string(in.Device), in.Body.Reason, map[string]string{"until": instant(in.Body.Until)}
	})},
	"give-device": {name: "device.give", about: about(func(in *holderInput) (string, string, map[string]string) {
		return string(in.Device), "", map[string]string{"person": string(in.Body.Person), "vehicle": in.Body.Vehicle}
	})},
	"send-command": {name: "device.command", about: about(func(in *controlInput) (string, string, map[string]string) {
		return string(in.Device), "", map[string]string{"control": in.Body.Control, "value": number(in.Body.Value), "command": in.Body.ID}
	})},
	"invite": {name: "identity.invite", about: about(func(in *inviteInput) (string, string, map[string]string) {
		return string(in.Body.ID), "", map[string]string{"kind": string(in.Body.Kind)}
	})},
	"revoke":           {name: "identity.revoke", about: on(func(in *identityInput) string { return string(in.ID) })},
	"import-hotline":   {name: "hotline.import", about: on(func(in *importInput) string { return in.Name })},
	"hotline-rejected": {name: "reporter.look", look: true, about: on(func(in *faultsInput) string { return "import " + in.Import })},
	"seal-file":        {name: "seal.read", about: on(func(in *sealInput) string { return fmt.Sprintf("%s-%d", in.Case, in.Seal) })},
	"seal-redacted": {name: "seal.read-redacted", about: about(func(in *redactedInput) (string, string, map[string]string) {
		return fmt.Sprintf("%s-%d", in.Case, in.Seal), "", map[string]string{"evidence": strconv.FormatBool(in.Evidence)}
	})},
	"quarantine-replay": {name: "quarantine.replay", about: about(func(in *replayInput) (string, string, map[string]string) {
		return string(in.Body.Device), "", map[string]string{"cause": in.Body.Cause}
	})},
	"audit":        {name: "audit.look", look: true, about: on(func(*auditInput) string { return "" })},
	"audit-export": {name: "audit.export", about: on(func(*auditExportInput) string { return "" })},
}

// spelled are the bounds of roles as a configuration writes them.
func spelled(all map[identity.Role][]identity.Scope) string {
	var words []string
	for _, r := range identity.Roles {
		for _, s := range all[r] {
			words = append(words, string(r)+"@"+string(s))
		}
	}
	return joined(words)
}

func joined[S ~string](list []S) string {
	var words []string
	for _, s := range list {
		words = append(words, string(s))
	}
	return strings.Join(words, " ")
}

func instant(m telemetry.Millis) string {
	if m == 0 {
		return ""
	}
	return strconv.FormatInt(int64(m), 10)
}

func number(v *float64) string {
	if v == nil {
		return ""
	}
	return strconv.FormatFloat(*v, 'g', -1, 64)
}

// recorded writes an act down and then lets it be done.
func recorded[I, O any](a *API, act act, done func(context.Context, *I) (*O, error)) func(context.Context, *I) (*O, error) {
	return func(ctx context.Context, in *I) (*O, error) {
		subject, reason, detail := act.about(in)
		e := audit.Entry{Act: act.name, Subject: subject, Reason: reason, Detail: detail}
		if err := a.record(ctx, e, act.look); err != nil {
			return nil, err
		}
		out, err := done(ctx, in)
		if err == nil {
			return out, nil
		}
		e.Detail = map[string]string{"failed": failure(err)}
		if err := a.record(ctx, e, act.look); err != nil {
			return nil, err
		}
		return nil, err
	}
}

// failure is the status that an error is answered with.
func failure(err error) string {
	var answer huma.StatusError
	if errors.As(err, &answer) {
		return strconv.Itoa(answer.GetStatus())
	}
	return "500"
}

// lookAgain is how long a look is one look: pages ask again whenever something
// changed.
const lookAgain = 10 * time.Minute

// record writes down what the principal of ctx does. The error is the answer: an
// act that cannot be written down is not done.
func (a *API) record(ctx context.Context, e audit.Entry, look bool) error {
	p := who(ctx)
	e.Account, e.Person, e.From = p.Account, string(p.Person), from(ctx)
	if e.Account == "" {
		e.Account = audit.Anyone
	}
	for k, v := range e.Detail {
		if v == "" {
			delete(e.Detail, k)
		}
	}
	key := fmt.Sprint(e.Account, e.Act, e.Subject, e.Detail)
	if look && a.looks.known(key, a.deps.Clock()) {
		return nil
	}
	if err := a.deps.Audit.Append(ctx, e); err != nil {
		a.deps.Log.Error("the audit log cannot be written; nothing that it must hold is done", "error", err)
		return huma.Error503ServiceUnavailable("this cannot be recorded now, so it is not done")
	}
	if look {
		a.looks.note(key, a.deps.Clock())
	}
	return nil
}

// looks remembers the newest looks. It is bounded: when it is full all are
// forgotten, and the next ones are written down once more.
type looks struct {
	mu   sync.Mutex
	seen map[string]time.Time
}

const maxLooks = 4096

func (l *looks) known(key string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	at, ok := l.seen[key]
	return ok && now.Sub(at) < lookAgain
}

func (l *looks) note(key string, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.seen == nil || len(l.seen) >= maxLooks {
		l.seen = map[string]time.Time{}
	}
	l.seen[key] = now
}
