// Package pages_test looks at the two faces of the hub as people do: the real
// hub, edge and walkers, and a real Chromium that signs in, clicks and reads
// what is on the screen. Each flow is a program in browser/, which says what it
// sees and ends with 1 where that is not what should be there.
package pages_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// crew are the members of staff whom the walkers play: one per grid.
func crew() []string {
	return []string{"p-001", "p-002", "p-003", "p-004", "p-005", "p-006", "p-007", "p-008", "p-009", "p-010", "p-011", "p-012"}
}

// task is what a flow is told.
type task struct {
	*street
	Token    string `json:"token,omitempty"`
	Password string `json:"password"`
	Person   string `json:"person,omitempty"`
	Shots    string `json:"shots"`             // folder for the picture of a failure
	Restart  string `json:"restart,omitempty"` // where a POST kills the hub and starts it again
	Wire     string `json:"wire,omitempty"`    // network device of the machine on which the flow runs, if it is another
}

// browse runs one flow and shows what it saw.
func (s *street) browse(flow string, what task) {
	s.t.Helper()
	what.street, what.Password, what.Shots = s, password, shots(s.t)
	if s.from != nil {
		what.Wire = s.from.wire
	}
	told, err := json.Marshal(what)
	if err != nil {
		s.t.Fatal(err)
	}
	var out bytes.Buffer
	c := s.from.command(s.t.Context(), "node", filepath.Join("browser", flow+".mjs"))
	c.Env = append(c.Env, "PAGES_TASK="+string(told))
	c.Stdout, c.Stderr = &out, &out
	c.WaitDelay = 10 * time.Second
	err = c.Run()
	s.t.Log("\n" + out.String())
	if err != nil {
		s.t.Errorf("%s: %v (pictures in %s)", flow, err, what.Shots)
	}
}

// shots keeps pictures of failures beyond the test.
func shots(t *testing.T) string {
	dir := filepath.Join(root(t), ".cache", "pages")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// An unclaimed hub becomes a street at work: accounts, people who walk, sensors
// that measure, a hazard that becomes a case by itself and is sent to the
// nearest with one click.
func TestFromTheFirstStartToADispatchedHazard(t *testing.T) {
	s := open(t, place{})
	s.sensors(30 * time.Second)
	s.browse("setup", task{Token: s.token()})
	s.walkers(crew()...)
	s.browse("centre", task{})
}

// A worker's whole task on a phone, with a step taken without a network, while
// the centre looks on.
func TestAWorkerDoesATaskWhileTheCentreLooksOn(t *testing.T) {
	s := open(t, place{})
	s.staff("p-017")
	s.browse("field", task{Person: "p-017"})
}

// A film of ten megabytes goes on where the hub stands after the network, and the
// page, went away in the middle of it.
func TestAFilmOverABadNetwork(t *testing.T) {
	s := open(t, place{})
	s.staff("p-017")
	s.browse("pieces", task{Person: "p-017"})
}

func TestTheCentreCallsAWorker(t *testing.T) {
	s := open(t, place{})
	s.staff("p-017")
	s.browse("call", task{Person: "p-017"})
}

// Whoever cannot see well, or has no mouse, works here too.
func TestBothFacesAreAccessible(t *testing.T) {
	s := open(t, place{})
	s.staff("p-017")
	s.browse("access", task{Person: "p-017"})
}

// A phone is another machine: it comes over the network, has to trust the
// street's own authority, and may use camera, position and offline pages for
// that reason only.
func TestAPhoneOnAnotherMachine(t *testing.T) {
	far := phone(t)
	s := open(t, place{phone: far})
	s.staff("p-017")
	s.browse("stranger", task{})
	far.trust(t, s.authority())
	s.browse("phone", task{Person: "p-017"})
}

// Push-to-talk both ways, the test before the shift, and a call for help that
// stands until the centre ends it.
func TestAWorkerTalksAndCallsForHelp(t *testing.T) {
	s := open(t, place{})
	s.staff("p-017")
	s.browse("talk", task{Person: "p-017"})
}
