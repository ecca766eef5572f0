package api

import (
	"context"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"gridhub/hub/audit"
	"gridhub/hub/identity"
	"gridhub/hub/tasks"
)

// callers are the roles that call reporters back; so does who has the case.
var callers = []identity.Role{identity.CallTaker, identity.Dispatcher, identity.Checker}

// veil masks the reporter of a case from everybody who has no need to call, and
// records the look of those who have.
func (a *API) veil(ctx context.Context, c tasks.Case, events []tasks.Event) ([]tasks.Event, error) {
	p := a.there(ctx, &c)
	whole := p.Has(callers...) || p.Person != "" && p.Person == c.Assignee
	out, named := slices.Clone(events), false
	for i := range out {
		b := &out[i].Body
		named = named || b.Reporter != ""
		if !whole && b.Reporter != "" {
			b.Reporter = mask(b.Reporter)
		}
	}
	if whole && named {
		return out, a.record(ctx, audit.Entry{Act: "reporter.look", Subject: string(c.ID)}, true)
	}
	return out, nil
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
