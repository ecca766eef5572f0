package pages_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// machine is somebody's phone as far as a network tells: a network namespace
// with one wire to this machine, and a home folder of its own, where a browser
// keeps whom it trusts.
type machine struct {
	namespace string
	wire      string // network device at its end; a flow may cut it
	here      string // our address on the wire
	home      string
}

// phone makes another machine, and takes it away when the test ends. Only root
// can make namespaces.
func phone(t *testing.T) *machine {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatal("a network namespace is wanted, and only root can make one")
	}
	id := fmt.Sprint(os.Getpid())
	m := &machine{namespace: "gp-" + id, wire: "gpb" + id, here: "198.18.78.1", home: t.TempDir()} // RFC 2544: for tests of networks
	t.Cleanup(func() { _ = exec.Command("ip", "netns", "del", m.namespace).Run() })                // with both ends of the wire; there may be none
	for _, line := range []string{
		"netns add " + m.namespace,
		"link add gpa" + id + " type veth peer name " + m.wire + " netns " + m.namespace,
		"addr add " + m.here + "/30 dev gpa" + id,
		"link set gpa" + id + " up",
		"-n " + m.namespace + " addr add 198.18.78.2/30 dev " + m.wire,
		"-n " + m.namespace + " link set " + m.wire + " up",
		"-n " + m.namespace + " link set lo up",
	} {
		must(t, "ip", strings.Fields(line)...)
	}
	return m
}

// command is a program that will run on the machine; on this one if m is nil.
func (m *machine) command(ctx context.Context, program string, args ...string) *exec.Cmd {
	if m == nil {
		c := exec.CommandContext(ctx, program, args...)
		c.Env = os.Environ()
		return c
	}
	c := exec.CommandContext(ctx, "ip", append([]string{"netns", "exec", m.namespace, program}, args...)...)
	c.Env = append(os.Environ(), "HOME="+m.home)
	return c
}

// trust installs an authority as a phone's owner does: in the store of the
// browser's user.
func (m *machine) trust(t *testing.T, authority string) {
	t.Helper()
	store := filepath.Join(m.home, ".pki", "nssdb")
	if err := os.MkdirAll(store, 0o700); err != nil {
		t.Fatal(err)
	}
	must(t, "certutil", "-d", "sql:"+store, "-N", "--empty-password")
	must(t, "certutil", "-d", "sql:"+store, "-A", "-t", "C,,", "-n", "street", "-i", authority)
}

func must(t *testing.T, program string, args ...string) {
	t.Helper()
	if out, err := exec.Command(program, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v: %s", program, strings.Join(args, " "), err, out)
	}
}

// authority fetches the certificate of the street's own authority, as people
// do from the desk, and keeps it in a file.
func (s *street) authority() string {
	s.t.Helper()
	res, err := http.Get(s.URL + "/ca.crt")
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		s.t.Fatalf("/ca.crt: %s", res.Status)
	}
	pem, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return s.write("ca.crt", string(pem))
}
