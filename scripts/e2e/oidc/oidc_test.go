// Package oidc_test signs people in at a real OpenID provider: the server that
// the authors of zitadel/oidc ship with their library, built and run as a
// process of its own, against the hub's API on the real store, over HTTPS.
package oidc_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"gridhub/hub/api"
	"gridhub/hub/audit"
	"gridhub/hub/identity"
	"gridhub/hub/oidc"
	"gridhub/hub/people"
	"gridhub/hub/store/storetest"
)

// peer is the provider's program; its version is part of the test.
const peer = "github.com/zitadel/oidc/v3/example/server@v3.51.17"

// patience is how long another process may take on a busy machine.
const patience = 60 * time.Second

const secret = "correct horse battery"

// bench is a hub's API over HTTPS, and the address at which the provider will be.
type bench struct {
	t        *testing.T
	hub      *httptest.Server
	accounts *people.Accounts
	desk     *oidc.Desk
	issuer   string
	port     string
}

type street struct{ api.Street }

func (street) About() api.StreetInfo { return api.StreetInfo{TimeZone: "UTC"} }

func open(t *testing.T, change func(*oidc.Config)) *bench {
	t.Helper()
	ctx, db := t.Context(), storetest.Open(t)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	staff, err := people.OpenDirectory(ctx, db)
	must(err)
	b := &bench{t: t, accounts: people.OpenAccounts(db, time.Now), port: freePort(t)}
	b.issuer = "http://localhost:" + b.port + "/"
	var served atomic.Pointer[api.API]
	b.hub = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/api/") {
			_, _ = io.WriteString(w, "the page")
			return
		}
		served.Load().ServeHTTP(w, r)
	}))
	t.Cleanup(b.hub.Close)
	file := filepath.Join(t.TempDir(), "secret")
	must(os.WriteFile(file, []byte("secret\n"), 0o600))
	c := oidc.Default()
	c.Issuer, c.ClientID, c.SecretFile, c.Redirect, c.Ask = b.issuer, "web", file, b.hub.URL+oidc.Callback, []string{"profile"}
	if change != nil {
		change(&c)
	}
	b.desk, err = oidc.New(c, b.accounts)
	must(err)
	log, err := audit.Open(ctx, db, audit.Options{Now: time.Now})
	must(err)
	served.Store(api.New(api.Deps{Audit: log, Accounts: b.accounts, OIDC: b.desk, Staff: staff, Street: street{}, Reach: staff.Reach, Clock: time.Now, Log: slog.New(slog.DiscardHandler)}))
	return b
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// provider builds and starts the provider, and stops it when the test ends.
func (b *bench) provider() {
	b.t.Helper()
	program := filepath.Join(buildPeer(b.t), "server")
	cmd := exec.CommandContext(b.t.Context(), program)
	cmd.Env = append(os.Environ(), "PORT="+b.port, "REDIRECT_URI="+b.hub.URL+oidc.Callback)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = time.Second
	if err := cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }) // it has no other way to stop
	deadline := time.Now().Add(patience)
	for {
		res, err := http.Get(b.issuer + ".well-known/openid-configuration")
		if err == nil {
			_ = res.Body.Close()
			return
		}
		if time.Now().After(deadline) {
			b.t.Fatalf("the provider does not answer: %v", err)
		}
		time.Sleep(50 * time.Millisecond) // another process: there is no event to wait for
	}
}

var built string

// buildPeer installs the provider's program once for all tests.
func buildPeer(t *testing.T) string {
	t.Helper()
	if built != "" {
		return built
	}
	dir, err := os.MkdirTemp("", "openid")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "go", "install", peer)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "GOBIN="+dir, "GOFLAGS=-mod=mod")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	built = dir
	return dir
}

func TestMain(m *testing.M) {
	code := m.Run()
	_ = os.RemoveAll(built)
	os.Exit(code)
}

// browser keeps cookies and stops before each step, so that a test sees it.
type browser struct {
	*http.Client
	t   *testing.T
	hub string
}

func (b *bench) browser() *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		b.t.Fatal(err)
	}
	c := b.hub.Client()
	return &browser{t: b.t, hub: b.hub.URL, Client: &http.Client{Jar: jar, Transport: c.Transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// get follows one step: where to next, and what the page said.
func (w *browser) get(address string) (next, body string) {
	w.t.Helper()
	res, err := w.Get(address)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.read(res)
}

func (w *browser) read(res *http.Response) (next, body string) {
	w.t.Helper()
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	if u, err := res.Location(); err == nil {
		next = u.String()
	}
	return next, string(b)
}

var requestID = regexp.MustCompile(`name="id" value="([^"]+)"`)

// prove goes to the provider, shows name and password there, and stops with the
// address that leads back to the hub.
func (w *browser) prove(name string) string {
	w.t.Helper()
	next, _ := w.get(w.hub + "/api/v1/oidc/start")
	for !strings.Contains(next, "/login/username") {
		if next == "" || strings.HasPrefix(next, w.hub) {
			w.t.Fatalf("the way to the provider ends at %q", next)
		}
		next, _ = w.get(next)
	}
	_, page := w.get(next)
	id := requestID.FindStringSubmatch(page)
	if id == nil {
		w.t.Fatalf("no form: %s", page)
	}
	res, err := w.PostForm(next, url.Values{"username": {name}, "password": {"verysecure"}, "id": {id[1]}})
	if err != nil {
		w.t.Fatal(err)
	}
	next, page = w.read(res)
	for !strings.HasPrefix(next, w.hub) {
		if next == "" {
			w.t.Fatalf("the provider stops: %s", page)
		}
		next, page = w.get(next)
	}
	return next
}

func (w *browser) me() (m api.Me, code int) {
	w.t.Helper()
	res, err := w.Get(w.hub + "/api/v1/me")
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	_ = json.NewDecoder(res.Body).Decode(&m) // an error has no such body
	return m, res.StatusCode
}

func (b *bench) account(a people.Account) {
	b.t.Helper()
	if err := b.accounts.Put(context.WithoutCancel(b.t.Context()), a, secret); err != nil {
		b.t.Fatal(err)
	}
}

const user = "test-user@localhost"

func TestSigningInAtTheProvider(t *testing.T) {
	b := open(t, nil)
	b.account(people.Account{Name: "local", Roles: []identity.Role{identity.Admin}})

	w := b.browser()
	if next, _ := w.get(b.hub.URL + "/api/v1/oidc/start"); next != b.hub.URL+"/?oidc=down" {
		t.Errorf("with the provider down: %q", next)
	}
	if _, _, err := b.accounts.SignIn(t.Context(), people.Attempt{Account: "local", Password: secret}); err != nil {
		t.Errorf("with the provider down a password does not do: %v", err)
	}
	b.provider()

	nobody := b.browser()
	if next, _ := nobody.get(nobody.prove(user)); next != b.hub.URL+"/?oidc=nobody" {
		t.Errorf("without an account: %q", next)
	}
	if _, code := nobody.me(); code != http.StatusUnauthorized {
		t.Errorf("without an account: %d", code)
	}

	b.account(people.Account{Name: user, Roles: []identity.Role{identity.Head}})
	if next, _ := nobody.get(nobody.prove(user)); next != b.hub.URL+"/?oidc=nobody" {
		t.Errorf("a local account of the same name: %q, want nobody to take it over", next)
	}
	err := b.accounts.Change(t.Context(), people.Account{Name: user, Roles: []identity.Role{identity.Head}, Subject: people.Awaited,
		Scopes: map[identity.Role][]identity.Scope{identity.Head: {identity.OfDepartment("UM")}}})
	if err != nil {
		t.Fatal(err)
	}
	back := w.prove(user)
	if next, _ := w.get(back); next != b.hub.URL+"/" {
		t.Errorf("with an account that awaits somebody: %q", next)
	}
	m, code := w.me()
	if code != http.StatusOK || m.Account != user || !slices.Equal(m.Scopes[identity.Head], []identity.Scope{identity.OfDepartment("UM")}) {
		t.Errorf("signed in as %+v, %d", m, code)
	}
	all, err := b.accounts.Accounts(t.Context())
	if i := slices.IndexFunc(all, func(a people.Account) bool { return a.Name == user }); err != nil || !strings.HasPrefix(all[i].Subject, b.issuer) {
		t.Errorf("the account is not the subject's: %+v, %v", all, err)
	}

	for name, address := range map[string]string{"the same answer again": back, "another state": strings.Replace(w.prove(user), "state=", "state=x", 1)} {
		if next, _ := w.get(address); next != b.hub.URL+"/?oidc=failed" {
			t.Errorf("%s: %q", name, next)
		}
	}
	victim, thief := b.browser(), b.browser()
	if next, _ := victim.get(thief.prove(user)); next != b.hub.URL+"/?oidc=failed" {
		t.Errorf("an answer that another browser asked for: %q", next)
	}
	if err := b.accounts.Change(t.Context(), people.Account{Name: user, Roles: []identity.Role{identity.Head}, Subject: people.Awaited, Disabled: true}); err != nil {
		t.Fatal(err)
	}
	if next, _ := w.get(w.prove(user)); next != b.hub.URL+"/?oidc=nobody" {
		t.Errorf("a disabled account: %q", next)
	}
	if _, code := w.me(); code != http.StatusUnauthorized {
		t.Errorf("a disabled account's session: %d", code)
	}
}

// TestGroupsGiveRoles maps a claim to roles in scopes, and makes the account of
// whom it gives one.
func TestGroupsGiveRoles(t *testing.T) {
	b := open(t, func(c *oidc.Config) {
		c.Create, c.Claim = true, "name" // this provider has no groups: a name does as one
		c.Groups = map[string][]string{"Test User": {"dispatcher", "head@department:UM", "head@grid:G05"}}
	})
	b.provider()
	w := b.browser()
	if next, _ := w.get(w.prove(user)); next != b.hub.URL+"/" {
		t.Fatalf("%q", next)
	}
	m, code := w.me()
	if code != http.StatusOK || !slices.Equal(m.Roles, []identity.Role{identity.Dispatcher, identity.Head}) ||
		!slices.Equal(m.Scopes[identity.Head], []identity.Scope{identity.OfDepartment("UM"), identity.OfGrid("G05")}) || m.Scopes[identity.Dispatcher] != nil {
		t.Errorf("%+v, %d", m, code)
	}
	if _, _, err := b.accounts.SignIn(t.Context(), people.Attempt{Account: user, Password: "-"}); err == nil {
		t.Error("the account that was made has a password")
	}
	other := b.browser()
	if next, _ := other.get(other.prove("test-user2")); next != b.hub.URL+"/?oidc=nobody" {
		t.Errorf("whose groups give no role: %q", next)
	}
}
