package tasks

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"
	"time"
)

// TestOldCasesStayWhatTheyAre reads a case that was written before there were
// orders and counter-signs: its bytes are those that this version would write,
// its chain holds, and it amounts to what it did.
func TestOldCasesStayWhatTheyAre(t *testing.T) {
	data, err := os.ReadFile("testdata/before-orders.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.Split(bytes.TrimSpace(data), []byte("\n"))
	if err := VerifyChain(lines); err != nil {
		t.Fatal(err)
	}
	var events []Event
	for i, line := range lines {
		e, prev, err := open(line)
		if err != nil {
			t.Fatal(err)
		}
		again, err := json.Marshal(canonical{Case: e.Case, Seq: e.Seq, Type: e.Type, At: e.At, Server: e.Server,
			By: e.By, Person: e.Person, Place: e.Place, Why: e.Why, Body: e.Body, Prev: prev})
		if err != nil || !bytes.Equal(again, line) {
			t.Errorf("event %d is written as\n%s\nwas\n%s", i+1, again, line)
		}
		events = append(events, e)
	}
	if got := events[len(events)-1].Hash; got != "d3564e70e9c8ab4065aadfb22e641867aa8088a3a2bb6438dee1135ef0be3337" {
		t.Errorf("the newest event has the hash %s", got)
	}
	c := Fold(events)
	if c.State != Archived || c.Department != "FR" || c.Reworks != 1 || len(c.Joined) != 1 || len(c.Orders) != 0 || c.Round != nil {
		t.Errorf("%+v", c)
	}
	if len(c.Passes) != 1 || c.Passes[0].From != "ES" || c.Passes[0].To != "FR" || c.Passes[0].Lost(0) != 14*time.Minute {
		t.Errorf("passes %+v", c.Passes)
	}
}
