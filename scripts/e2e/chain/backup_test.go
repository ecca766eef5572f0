package chain_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gridhub/hub/evidence"
	"gridhub/hub/store/storetest"
	"gridhub/hub/tasks"
)

// TestBackup is the drill: a hub that works is saved, lost with all its data,
// and put back on another disk.
func TestBackup(t *testing.T) { drill(t, "", "") }

// TestBackupOfPostgres is the same with everything relational in PostgreSQL.
func TestBackupOfPostgres(t *testing.T) {
	server := storetest.Postgres(t)
	drill(t, fmt.Sprintf("database: %q\n", server.Database(t)), fmt.Sprintf("database: %q\n", server.Database(t)))
}

func drill(t *testing.T, before, after string) {
	s := &street{t: t}
	s.hub, s.root = open(t, before)
	for name, account := range map[string]map[string]any{
		"desk": {"roles": []string{"dispatcher", "call-taker"}}, "checker": {"roles": []string{"checker"}}, worker: {"roles": []string{"handler"}, "person": worker},
	} {
		account["name"], account["password"] = name, password
		s.root.post("/api/v1/accounts", account, nil)
	}
	s.desk, s.check = s.hub.signIn("desk", password), s.hub.signIn("checker", password)
	c := s.archived()
	quiet, busyOne := s.hub.publish("probe-1"), s.hub.publish("probe-2")
	quiet.await(300)
	quiet.finish()
	quiet.verify(s.root)

	file := filepath.Join(t.TempDir(), "street.tar.gz")
	saved := busyOne.acknowledged()
	said := s.hub.cli("backup", file) // beside a device that publishes
	if !strings.Contains(said, "sound") {
		t.Errorf("hub backup says %q", said)
	}
	kept := s.evidenceOf(c)
	busyOne.finish()
	s.hub.stop()
	if err := os.RemoveAll(filepath.Join(s.hub.dir, "data")); err != nil {
		t.Fatal(err)
	}
	if said, err := run(hubProgram, "backup", "--verify", file); err != nil || !strings.Contains(said, "sound") {
		t.Errorf("hub backup --verify: %v, %s", err, said)
	}
	s.hub.configure(after)
	if said := s.hub.cli("restore", file); !strings.Contains(said, "sound") {
		t.Errorf("hub restore says %q", said)
	}
	if said, err := run(hubProgram, "restore", file, "--config", s.hub.config); err == nil || !strings.Contains(said+fmt.Sprint(err), "not empty") {
		t.Errorf("a restore over what is there: %v, %s", err, said)
	}
	s.hub.serve()
	s.root, s.desk = s.hub.signIn(administrator, password), s.hub.signIn("desk", password)

	quiet.verify(s.root)
	busyOne.survived(s.root, saved)
	var again tasks.Case
	s.desk.get("/api/v1/cases/"+string(c.ID), &again)
	if again.ID != c.ID || again.State != tasks.Archived {
		t.Errorf("the case is %+v", again)
	}
	if have := s.evidenceOf(c); !sameText(have, kept) || len(have) == 0 {
		t.Errorf("the evidence is %+v, it was %+v", have, kept)
	}
	for _, e := range kept {
		s.desk.download("/api/v1/evidence/"+e.Hash+"/file", filepath.Join(t.TempDir(), "photo"))
	}
	seal, key := filepath.Join(t.TempDir(), "case.zip"), filepath.Join(t.TempDir(), "key.pub")
	s.desk.download("/api/v1/cases/"+string(c.ID)+"/seals/1/redacted", seal)
	s.desk.download("/api/v1/archive/key", key)
	if said, err := run(hubProgram, "verify", seal, "--key", key, "--lang", "en"); err != nil {
		t.Errorf("hub verify of a seal from before: %v\n%s", err, said)
	}
}

// acknowledged is what the hub has promised to keep, up to now.
func (p *publisher) acknowledged() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.acked)
}

// survived holds that at least the first n readings are there, each once, and
// that the ledger counts what is there.
func (p *publisher) survived(s *session, n int) {
	p.t.Helper()
	eventually(p.t, "what "+string(p.id)+" had said before the backup", func() error {
		have := s.series(p.id, "ch4")
		if len(have) < n || len(have) > len(p.acked) {
			return fmt.Errorf("%d are there, %d were when the backup began", len(have), n)
		}
		for i, h := range have {
			if h.At != p.acked[i].At {
				return fmt.Errorf("number %d is of %d, want %d", i, h.At, p.acked[i].At)
			}
		}
		if sum := s.ledger(p.id); sum.Stored != int64(len(have)) || sum.Polled != sum.Stored {
			return fmt.Errorf("%d are there, the ledger says %+v", len(have), sum)
		}
		return nil
	})
}

func (s *street) evidenceOf(c tasks.Case) (out []evidence.Item) {
	s.t.Helper()
	s.desk.get("/api/v1/cases/"+string(c.ID), &struct{ Items *[]evidence.Item }{&out})
	return out
}

func sameText(a, b any) bool {
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	return string(x) == string(y)
}
