package rules_test

import (
	"strings"
	"testing"

	"gridhub/hub/rules"
)

// TestEveryMistakeOfARule gives a rule of which nothing is right, and one whose
// limits do not fit together.
func TestEveryMistakeOfARule(t *testing.T) {
	less := rules.Condition{Op: "<", Limit: 2}
	nothing := rules.Rule{Clear: less, For: -1, Severity: "awful"}
	overlapping := rules.Rule{Raise: rules.Condition{Op: ">", Limit: 3}, Clear: rules.Condition{Op: "<", Limit: 5}}
	sameWay := rules.Rule{Raise: rules.Condition{Op: "<=", Limit: 3}, Clear: less}
	for _, tt := range []struct {
		rule rules.Rule
		want []string
	}{
		{nothing, []string{"name: ", "kind: ", "metric: ", "matter: ", "title.zh: ", "severity: awful: want info", "for: -1ns: want a duration", `raise: `}},
		{overlapping, []string{"clear: < 5: want a limit that raise does not reach"}},
		{sameWay, []string{"clear: < 2: want a comparison in the other direction"}},
	} {
		_, err := rules.New([]rules.Rule{tt.rule})
		for _, want := range tt.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%+v: %q is missing from:\n%v", tt.rule, want, err)
			}
		}
	}
}
