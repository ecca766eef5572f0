package people_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"gridhub/hub/identity"
	"gridhub/hub/people"
)

// guarded is an administrator's account with a second factor, on a hub that
// demands one of administrators.
func guarded(t *testing.T) (*bench, people.Factor, []string) {
	t.Helper()
	b, ctx := open(t), t.Context()
	if err := b.Enforce(people.Rules{Key: make([]byte, 32), SecondFactor: []identity.Role{identity.Admin}}); err != nil {
		t.Fatal(err)
	}
	if err := b.Put(ctx, people.Account{Name: "chief", Roles: []identity.Role{identity.Admin}}, good); err != nil {
		t.Fatal(err)
	}
	s, p, err := b.signIn("chief", "")
	if err != nil || !p.Unproven {
		t.Fatalf("before there is a second factor: %+v, %v, want a session that may do nothing else", p, err)
	}
	f, err := b.BeginSecondFactor(ctx, "chief", "gridhub")
	if err != nil || !strings.HasPrefix(f.URI, "otpauth://totp/gridhub:chief?") {
		t.Fatalf("%+v, %v", f, err)
	}
	if _, _, err := b.signIn("chief", ""); err != nil {
		t.Errorf("a factor counts before its first code: %v", err)
	}
	if _, err := b.ConfirmSecondFactor(ctx, "chief", "000000"); !errors.Is(err, people.ErrCode) {
		t.Errorf("a wrong first code: %v", err)
	}
	codes, err := b.ConfirmSecondFactor(ctx, "chief", people.CodeAt(f.Secret, b.now))
	if err != nil || len(codes) != 10 {
		t.Fatalf("%v, %v", codes, err)
	}
	if p, err := b.Session(ctx, s); err != nil || p.Unproven {
		t.Errorf("the session that set it up: %+v, %v", p, err)
	}
	return b, f, codes
}

func (b *bench) signIn(account, code string) (string, identity.Principal, error) {
	return b.SignIn(b.t.Context(), people.Attempt{Account: account, Password: good, Code: code, From: "10.0.0.1", Agent: "a browser"})
}

func TestSecondFactor(t *testing.T) {
	b, f, codes := guarded(t)
	if _, _, err := b.signIn("chief", ""); !errors.Is(err, people.ErrSecondFactor) {
		t.Errorf("without a code: %v", err)
	}
	if _, _, err := b.signIn("chief", people.CodeAt(f.Secret, b.now)); !errors.Is(err, people.ErrCode) {
		t.Errorf("the code that confirmed it, again: %v", err)
	}
	b.now = b.now.Add(30 * time.Second)
	code := people.CodeAt(f.Secret, b.now)
	if _, p, err := b.signIn("chief", code[:3]+" "+code[3:]); err != nil || p.Unproven {
		t.Errorf("the next code: %+v, %v", p, err)
	}
	if _, _, err := b.signIn("chief", code); !errors.Is(err, people.ErrCode) {
		t.Errorf("the same code twice: %v", err)
	}
	if _, _, err := b.signIn("chief", strings.ToLower(codes[3])); err != nil {
		t.Errorf("a recovery code: %v", err)
	}
	if _, _, err := b.signIn("chief", codes[3]); !errors.Is(err, people.ErrCode) {
		t.Errorf("a recovery code twice: %v", err)
	}
	if _, _, err := b.SignIn(t.Context(), people.Attempt{Account: "chief", Password: "not the password", Code: codes[4]}); !errors.Is(err, people.ErrCredentials) {
		t.Errorf("a code without the password: %v", err)
	}
	if _, _, err := b.signIn("chief", codes[4]); err != nil {
		t.Errorf("a wrong password has used the code up: %v", err)
	}
	if _, err := b.BeginSecondFactor(t.Context(), "chief", "gridhub"); !errors.Is(err, people.ErrInvalid) {
		t.Errorf("a session replaces the factor by another: %v", err)
	}
}

// TestCodesAreTriedAFewTimes: whoever knows the password cannot try them all,
// from wherever.
func TestCodesAreTriedAFewTimes(t *testing.T) {
	b, _, codes := guarded(t)
	try := func(from, code string) error {
		_, _, err := b.SignIn(t.Context(), people.Attempt{Account: "chief", Password: good, Code: code, From: from})
		return err
	}
	for i := range 5 {
		if err := try(string(rune('a'+i)), "000000"); !errors.Is(err, people.ErrCode) {
			t.Fatalf("try %d: %v", i, err)
		}
	}
	if err := try("z", codes[0]); !errors.Is(err, people.ErrLocked) {
		t.Errorf("the sixth from another address: %v, want ErrLocked", err)
	}
	b.now = b.now.Add(16 * time.Minute)
	if err := try("z", codes[0]); err != nil {
		t.Errorf("after the lock: %v", err)
	}
}

func TestSecondFactorIsReset(t *testing.T) {
	b, _, codes := guarded(t)
	s, _, err := b.signIn("chief", codes[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := b.RemoveSecondFactor(t.Context(), "chief"); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Session(t.Context(), s); err == nil {
		t.Error("a session outlives the reset")
	}
	if _, p, err := b.signIn("chief", ""); err != nil || !p.Unproven {
		t.Errorf("after the reset: %+v, %v, want another to be set up", p, err)
	}
}

func TestSecondFactorNeedsAKey(t *testing.T) {
	b := open(t)
	if _, err := b.BeginSecondFactor(t.Context(), "x", "gridhub"); !errors.Is(err, people.ErrNoKey) {
		t.Errorf("%v", err)
	}
	if err := b.Enforce(people.Rules{Key: []byte("short")}); err == nil {
		t.Error("a short key is taken")
	}
}

func TestWhereAmISignedIn(t *testing.T) {
	b, ctx := open(t), t.Context()
	for _, name := range []string{"desk", "other"} {
		if err := b.Put(ctx, people.Account{Name: name, Roles: []identity.Role{identity.Dispatcher}}, good); err != nil {
			t.Fatal(err)
		}
	}
	var mine []string
	for range 3 {
		s, _, err := b.signIn("desk", "")
		if err != nil {
			t.Fatal(err)
		}
		mine, b.now = append(mine, s), b.now.Add(time.Second)
	}
	stranger, _, err := b.signIn("other", "")
	if err != nil {
		t.Fatal(err)
	}
	list, err := b.Sessions(ctx, "desk", mine[2])
	if err != nil || len(list) != 3 || !list[0].Current || list[1].Current || list[0].Agent != "a browser" || list[0].From != "10.0.0.1" {
		t.Fatalf("%+v, %v", list, err)
	}
	others, err := b.Sessions(ctx, "other", "")
	if err != nil {
		t.Fatal(err)
	}
	if err := b.EndSession(ctx, "desk", others[0].ID); !errors.Is(err, people.ErrNoSession) {
		t.Errorf("somebody else's session: %v", err)
	}
	if err := b.EndSession(ctx, "desk", list[2].ID); err != nil {
		t.Fatal(err)
	}
	b.lives(mine[0], false)
	b.lives(mine[1], true)
	if err := b.EndSessions(ctx, "desk", mine[2]); err != nil {
		t.Fatal(err)
	}
	b.lives(mine[1], false)
	b.lives(mine[2], true)
	b.lives(stranger, true)
}

func (b *bench) lives(session string, want bool) {
	b.t.Helper()
	_, err := b.Session(b.t.Context(), session)
	_, alive := b.Alive(b.t.Context(), session)
	if (err == nil) != want || (alive == nil) != want {
		b.t.Errorf("session: %v, %v, want it good: %v", err, alive, want)
	}
}

func TestAPasswordChangeEndsOtherSessions(t *testing.T) {
	b, ctx := open(t), t.Context()
	if err := b.Put(ctx, people.Account{Name: "desk", Roles: []identity.Role{identity.Dispatcher}}, good); err != nil {
		t.Fatal(err)
	}
	here, _, _ := b.signIn("desk", "")
	elsewhere, _, _ := b.signIn("desk", "")
	if err := b.ChangePassword(ctx, "desk", "not the old one", "quite another horse", "x", here); !errors.Is(err, people.ErrCredentials) {
		t.Errorf("with a wrong old password: %v", err)
	}
	if err := b.ChangePassword(ctx, "desk", good, "short", "x", here); !errors.Is(err, people.ErrWeakPassword) {
		t.Errorf("a weak new one: %v", err)
	}
	if err := b.ChangePassword(ctx, "desk", good, "quite another horse", "x", here); err != nil {
		t.Fatal(err)
	}
	b.lives(here, true)
	b.lives(elsewhere, false)
	if _, _, err := b.signIn("desk", ""); !errors.Is(err, people.ErrCredentials) {
		t.Errorf("the old password: %v", err)
	}
}

func TestADisabledAccountIsOut(t *testing.T) {
	b, ctx := open(t), t.Context()
	var told []people.Account
	if err := b.Enforce(people.Rules{Ended: func(a people.Account) { told = append(told, a) }}); err != nil {
		t.Fatal(err)
	}
	acc := people.Account{Name: "desk", Person: "p-001", Roles: []identity.Role{identity.Dispatcher}}
	if err := b.Put(ctx, acc, good); err != nil {
		t.Fatal(err)
	}
	s, _, _ := b.signIn("desk", "")
	b.lives(s, true)
	acc.Disabled = true
	if err := b.Change(ctx, acc); err != nil {
		t.Fatal(err)
	}
	b.lives(s, false) // at once, whatever was believed for a few seconds
	if _, _, err := b.signIn("desk", ""); !errors.Is(err, people.ErrCredentials) {
		t.Errorf("signing in: %v, want the answer of a wrong password", err)
	}
	if len(told) != 1 || told[0].Person != "p-001" {
		t.Errorf("told of %+v", told)
	}
	acc.Disabled = false
	if err := b.Change(ctx, acc); err != nil {
		t.Fatal(err)
	}
	if _, _, err := b.signIn("desk", ""); err != nil {
		t.Errorf("enabled again: %v", err)
	}
	if err := b.Change(ctx, people.Account{Name: "nobody", Roles: acc.Roles}); !errors.Is(err, people.ErrNoAccount) {
		t.Errorf("an account that is not there: %v", err)
	}
}

func TestScopesAreKept(t *testing.T) {
	b, ctx := open(t), t.Context()
	scopes := map[identity.Role][]identity.Scope{identity.Head: {identity.OfDepartment("UM"), identity.OfGrid("G05")}}
	if err := b.Put(ctx, people.Account{Name: "head", Roles: []identity.Role{identity.Head, identity.Viewer}, Scopes: scopes}, good); err != nil {
		t.Fatal(err)
	}
	_, p, err := b.signIn("head", "")
	if err != nil || !p.Bounded(identity.Head) || p.Bounded(identity.Viewer) || len(p.ScopesOf(identity.Head)) != 2 || p.ScopesOf(identity.Admin) != nil {
		t.Errorf("%+v, %v", p, err)
	}
	for name, bad := range map[string]people.Account{
		"a role that there is not":    {Name: "x1", Roles: []identity.Role{"emperor"}},
		"a scope of a role not held":  {Name: "x2", Roles: []identity.Role{identity.Viewer}, Scopes: scopes},
		"a scope that means nothing":  {Name: "x3", Roles: []identity.Role{identity.Viewer}, Scopes: map[identity.Role][]identity.Scope{identity.Viewer: {"everywhere"}}},
		"a department without a code": {Name: "x4", Roles: []identity.Role{identity.Viewer}, Scopes: map[identity.Role][]identity.Scope{identity.Viewer: {"department:"}}},
	} {
		if err := b.Put(ctx, bad, good); !errors.Is(err, people.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
