package people_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"gridhub/devices/telemetry"
	"gridhub/hub/identity"
	"gridhub/hub/people"
	"gridhub/hub/store"
	"gridhub/hub/store/storetest"
)

type bench struct {
	*people.Accounts
	t   *testing.T
	db  *store.DB
	dir *people.Directory
	now time.Time
}

func openFuzz(f *testing.F) *people.Directory {
	db, err := store.Open(f.Context(), "sqlite:"+filepath.Join(f.TempDir(), "hub.db"))
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = db.Close() })
	dir, err := people.OpenDirectory(f.Context(), db)
	if err != nil {
		f.Fatal(err)
	}
	return dir
}

func open(t *testing.T) *bench {
	db := storetest.Open(t)
	dir, err := people.OpenDirectory(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, db: db, dir: dir, now: time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)}
	b.Accounts = people.OpenAccounts(db, func() time.Time { return b.now })
	return b
}

const good = "correct horse battery"

func TestSetupTokenWorksOnce(t *testing.T) {
	b, ctx := open(t), t.Context()
	file := filepath.Join(t.TempDir(), "setup-token")
	token, err := b.NewSetupToken(ctx, file)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("token file: %v %v, want mode 0600", info, err)
	}
	if err := b.Claim(ctx, "guess", "chief", good); !errors.Is(err, people.ErrToken) {
		t.Errorf("wrong token: %v, want ErrToken", err)
	}
	if err := b.Claim(ctx, token, "chief", "password1234"); !errors.Is(err, people.ErrWeakPassword) {
		t.Errorf("leaked password: %v, want ErrWeakPassword", err)
	}
	if err := b.Claim(ctx, token, "chief", good); err != nil {
		t.Fatal(err)
	}
	if err := b.Claim(ctx, token, "second", good); !errors.Is(err, people.ErrSetupDone) {
		t.Errorf("the token a second time: %v, want ErrSetupDone", err)
	}
	if needed, err := b.SetupNeeded(ctx); needed || err != nil {
		t.Errorf("setup needed after the claim: %v %v", needed, err)
	}
}

func TestSetupTokenExpires(t *testing.T) {
	b := open(t)
	token, err := b.NewSetupToken(t.Context(), filepath.Join(t.TempDir(), "setup-token"))
	if err != nil {
		t.Fatal(err)
	}
	b.now = b.now.Add(11 * time.Minute)
	if err := b.Claim(t.Context(), token, "chief", good); !errors.Is(err, people.ErrSetupDone) {
		t.Errorf("after eleven minutes: %v, want ErrSetupDone", err)
	}
}

func TestSignInLocksOnlyThatAddress(t *testing.T) {
	b, ctx := open(t), t.Context()
	if err := b.Put(ctx, people.Account{Name: "desk", Roles: []identity.Role{identity.Dispatcher}}, good); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		if _, _, err := b.SignIn(ctx, people.Attempt{Account: "desk", Password: "wrong password!", From: "10.0.0.9"}); !errors.Is(err, people.ErrCredentials) {
			t.Fatalf("wrong password: %v", err)
		}
	}
	if _, _, err := b.SignIn(ctx, people.Attempt{Account: "desk", Password: good, From: "10.0.0.9"}); !errors.Is(err, people.ErrLocked) {
		t.Errorf("sixth attempt: %v, want ErrLocked", err)
	}
	if _, _, err := b.SignIn(ctx, people.Attempt{Account: "desk", Password: good, From: "10.0.0.1"}); err != nil {
		t.Errorf("the right person from elsewhere: %v", err)
	}
	b.now = b.now.Add(16 * time.Minute)
	if _, _, err := b.SignIn(ctx, people.Attempt{Account: "desk", Password: good, From: "10.0.0.9"}); err != nil {
		t.Errorf("after the lock: %v", err)
	}
}

func TestSessionEnds(t *testing.T) {
	b, ctx := open(t), t.Context()
	if err := b.Put(ctx, people.Account{Name: "desk", Roles: []identity.Role{identity.Dispatcher}}, good); err != nil {
		t.Fatal(err)
	}
	s, p, err := b.SignIn(ctx, people.Attempt{Account: "desk", Password: good, From: "x"})
	if err != nil || !p.Has(identity.Dispatcher) {
		t.Fatalf("sign in: %+v, %v", p, err)
	}
	for range 3 { // used every 20 minutes it stays
		b.now = b.now.Add(20 * time.Minute)
		if _, err := b.Session(ctx, s); err != nil {
			t.Fatalf("used session: %v", err)
		}
	}
	b.now = b.now.Add(31 * time.Minute)
	if _, err := b.Session(ctx, s); err == nil {
		t.Error("a session unused for 31 minutes is still good")
	}
	s, _, err = b.SignIn(ctx, people.Attempt{Account: "desk", Password: good, From: "x"})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.SignOut(ctx, s); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Session(ctx, s); err == nil {
		t.Error("a session is still good after signing out")
	}
}

func TestDutyIsAskedAtEventTime(t *testing.T) {
	b, ctx := open(t), t.Context()
	if err := b.dir.Import(ctx, []people.Staff{{ID: "p-001"}}); err != nil {
		t.Fatal(err)
	}
	const hour = telemetry.Millis(3_600_000)
	for _, s := range []struct {
		on bool
		at telemetry.Millis
	}{{true, 8 * hour}, {true, 9 * hour}, {false, 12 * hour}, {false, 13 * hour}, {true, 14 * hour}} {
		if err := b.dir.SetDuty(ctx, "p-001", s.on, s.at); err != nil {
			t.Fatal(err)
		}
	}
	for at, want := range map[telemetry.Millis]bool{7 * hour: false, 8 * hour: true, 11 * hour: true, 12 * hour: false,
		13 * hour: false, 14 * hour: true, 99 * hour: true} {
		if got, _ := b.dir.OnDuty(ctx, "p-001", at); got != want {
			t.Errorf("on duty at %d h: %v, want %v", at/hour, got, want)
		}
	}
	if err := b.dir.SetDuty(ctx, "p-404", true, hour); !errors.Is(err, people.ErrNoPerson) {
		t.Errorf("duty of nobody: %v, want ErrNoPerson", err)
	}
}
