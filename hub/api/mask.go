package api

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"gridhub/hub/identity"
	"gridhub/hub/tasks"
)

// callers are the roles that call reporters back; so does who has the case.
var callers = []identity.Role{identity.CallTaker, identity.Dispatcher, identity.Checker}

// veil masks the reporter of a case from everybody who has no need to call, and
// logs each look of those who have.
func (a *API) veil(p identity.Principal, c tasks.Case, events []tasks.Event) []tasks.Event {
	whole := p.Has(callers...) || p.Person != "" && p.Person == c.Assignee
	out := slices.Clone(events)
	for i := range out {
		b := &out[i].Body
		if b.Reporter == "" {
			continue
		}
		if !whole {
			b.Reporter = mask(b.Reporter)
		} else if a.deps.Log != nil {
			a.deps.Log.Info("a reporter's name was shown", "task", c.ID, "account", p.Account)
		}
	}
	return out
}

// mask leaves of each word its first character, and of a number its first three
// and last four digits: 张** 138****1234. An address of mail keeps nothing but
// its first letter.
func mask(reporter string) string {
	words := strings.Fields(reporter)
	for i, w := range words {
		words[i] = maskWord(w)
	}
	return strings.Join(words, " ")
}

func maskWord(w string) string {
	r := []rune(w)
	digits := strings.IndexFunc(w, func(r rune) bool { return !unicode.IsDigit(r) && r != '-' && r != '+' }) < 0
	if digits && len(r) >= 11 {
		return string(r[:3]) + strings.Repeat("*", len(r)-7) + string(r[len(r)-4:])
	}
	return string(r[:1]) + strings.Repeat("*", min(8, utf8.RuneCountInString(w)-1))
}
