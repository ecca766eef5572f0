package tasks

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"gridhub/configs"
)

// What a matter file may name. Proofs are those that an upload can be labelled
// with; a matter that demands another could never be closed.
var (
	limitKinds = []LimitKind{Emergency, WorkingHours, WorkingDays, CalendarHours, CalendarDays, ByPlan}
	proofKinds = []string{"photo-before", "photo-after", "signature", "document", "video", "audio", "checklist", "callback", "tag", "reading"}
	domains    = []string{"urban", "governance", "environment", "safety"}
	privacies  = []string{"public", "internal", "restricted"}
	automatic  = []EventType{Screened, Filed}
	sources    = []string{"sensor", "patrol", SOS, "hotline", "resident", "partner", "desk"}
)

// Validate reports everything that is wrong with one matter. Its limits and
// proofs are asked by the loader.
func (m Matter) Validate() error {
	var f faults
	f.want(m.Code != "", "code", m.Code, "a code such as CG01")
	f.want(m.Name.ZH != "", "name.zh", m.Name.ZH, "a name")
	f.want(m.Lead != "", "lead", m.Lead, "the department that leads")
	oneOf(&f, "domain", m.Domain, domains)
	oneOf(&f, "privacy", m.Privacy, privacies)
	oneOf(&f, "recording", m.Recording, []string{"", "always", "on-demand", "never"})
	for i, d := range m.With {
		f.want(d != m.Lead && !slices.Contains(m.With[:i], d), fmt.Sprintf("with[%d]", i), d, "each department once, the leading one not again")
	}
	for i, d := range m.Must {
		f.want(slices.Contains(m.With, d) && !slices.Contains(m.Must[:i], d), fmt.Sprintf("must[%d]", i), d, "one of with, each once: %s", strings.Join(m.With, ", "))
	}
	for i, d := range m.Cosign.Signers {
		f.want(slices.Contains(m.With, d), fmt.Sprintf("cosign.signers[%d]", i), d, "one of with: %s", strings.Join(m.With, ", "))
	}
	for i, s := range m.Review {
		oneOf(&f, fmt.Sprintf("review[%d]", i), s, sources)
	}
	for i, a := range m.Auto {
		key := fmt.Sprintf("auto[%d]", i)
		oneOf(&f, key, a, automatic)
		f.want(!slices.Contains(m.Auto[:i], a), key, a, "each step once")
	}
	f.distinct(m.Limits)
	for i, p := range m.Evidence {
		f.want(!slices.Contains(m.Evidence[:i], p), fmt.Sprintf("evidence[%d]", i), p.Kind, "each proof once for one step")
	}
	return errors.Join(f...)
}

// distinct wants that no limit hides one of the same name after it.
func (f *faults) distinct(limits []Limit) {
	for i, l := range limits {
		hides := func(o Limit) bool {
			return o.Name == l.Name && o.From == l.From && (o.When == "" || o.When == l.When)
		}
		f.want(!slices.ContainsFunc(limits[:i], hides), fmt.Sprintf("limits[%d].name", i), l.Name, "a name of its own, or before it limits of that name from other steps or for other conditions only")
	}
}

// Validate reports everything that is wrong with a counter-sign. One without
// signers asks nobody and says nothing else.
func (s Signing) Validate() error {
	var f faults
	n := len(s.Signers)
	f.want(n > 0 || s.Quorum == 0 && len(s.Veto) == 0, "signers", "", "the departments that sign, where there is a quorum or a veto")
	f.want(n == 0 || s.Quorum >= 1 && s.Quorum <= n, "quorum", s.Quorum, "how many of the %d signers must agree", n)
	for i, d := range s.Signers {
		f.want(!slices.Contains(s.Signers[:i], d), fmt.Sprintf("signers[%d]", i), d, "each department once")
	}
	for i, d := range s.Veto {
		f.want(slices.Contains(s.Signers, d) && !slices.Contains(s.Veto[:i], d), fmt.Sprintf("veto[%d]", i), d, "one of the signers, each once: %s", strings.Join(s.Signers, ", "))
	}
	return errors.Join(f...)
}

// Validate reports everything that is wrong with one limit.
func (l Limit) Validate() error {
	var f faults
	f.want(l.Name != "", "name", l.Name, "a name such as arrive or handle")
	oneOf(&f, "kind", l.Kind, limitKinds)
	if l.ofOrder() {
		oneOf(&f, "until", l.Until, []EventType{Taken, Done})
		f.want(l.From != l.Until, "until", l.Until, "a later step of the order")
	} else {
		f.want(moves(l.From), "from", l.From, "%s; or ordered or taken, for each co-handler's order", wantStep(l.From))
		f.want(moves(l.Until), "until", l.Until, "%s", wantStep(l.Until))
	}
	if l.Kind == ByPlan {
		f.want(l.Value == "", "value", l.Value, "nothing here: the plan names the day")
	} else {
		_, _, ok := l.amount()
		f.want(ok, "value", l.Value, "20m, 4h or 2d")
	}
	f.want(l.checkWhen() == nil, "when", l.When, "severity=major|critical, region=A, or both with a space between")
	return errors.Join(f...)
}

// Validate reports everything that is wrong with one demand for evidence.
func (p Proof) Validate() error {
	var f faults
	oneOf(&f, "kind", p.Kind, proofKinds)
	f.want(moves(p.Before), "before", p.Before, "%s", wantStep(p.Before))
	return errors.Join(f...)
}

// faults collects what is wrong.
type faults []error

func (f *faults) want(ok bool, key string, value any, what string, args ...any) {
	if !ok {
		*f = append(*f, configs.Fault(key, value, what, args...))
	}
}

// oneOf wants v to be known, and suggests what was meant.
func oneOf[S ~string](f *faults, key string, v S, known []S) {
	names := make([]string, len(known))
	for i, k := range known {
		names[i] = string(k)
	}
	f.want(slices.Contains(known, v), key, v, "%s", suggest("one of "+strings.Join(names, ", "), string(v), names))
}

// wantStep names the events that a limit or a demand may speak of.
func wantStep(have EventType) string {
	names := []string{string(Reported)}
	for _, t := range order {
		if moves(t) {
			names = append(names, string(t))
		}
	}
	return suggest("a step that moves a case: "+strings.Join(names, ", "), string(have), names)
}

func suggest(want, have string, known []string) string {
	if near := configs.Nearest(have, known); near != "" {
		return want + "; did you mean " + near + "?"
	}
	return want
}
