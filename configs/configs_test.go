package configs

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "rewrite the expected files")

// plant is a configuration with every shape that a real one has.
type plant struct {
	Name   string            `yaml:"name"`
	HTTP   web               `yaml:"http"`
	Pumps  []pump            `yaml:"pumps"`
	Labels map[string]string `yaml:"labels"`
	Limits map[string]pump   `yaml:"limits"`
	Backup *web              `yaml:"backup"`
	Room   Size              `yaml:"room"`
	Extra  any               `yaml:"extra"`
	Hidden string            `yaml:"-"`
	Site   `yaml:",inline"`
}

type Site struct {
	Street string `yaml:"street"`
}

type web struct {
	Address string        `yaml:"address"`
	Timeout time.Duration `yaml:"timeout"`
	Port    uint16        `yaml:"port"`
	TLS     bool          `yaml:"tls"`
}

func (w web) Validate() error {
	if w.TLS && w.Port == 80 {
		return Fault("port", nil, "another port than 80 with TLS")
	}
	return nil
}

type pump struct {
	ID    int     `yaml:"id"`
	Scale float64 `yaml:"scale"`
}

func (p *pump) SetDefaults() { p.Scale = 1 }

func (p pump) Validate() error {
	var errs []error
	if p.ID < 1 {
		errs = append(errs, Fault("id", p.ID, "1 or more"))
	}
	if p.Scale == 0 {
		errs = append(errs, Fault("scale", p.Scale, "anything but 0"))
	}
	return errors.Join(errs...)
}

func (p plant) Validate() error {
	if len(p.Pumps) > 3 {
		return errors.New("this plant has room for three pumps")
	}
	return nil
}

func standard() plant {
	return plant{Name: "east", HTTP: web{Address: ":80", Timeout: time.Second, Port: 8080}}
}

// TestGood decodes every *.good.yaml and compares with the JSON beside it.
func TestGood(t *testing.T) {
	each(t, "*.good.yaml", func(t *testing.T, path string) string {
		got := standard()
		if err := ReadFile(path, &got); err != nil {
			t.Fatal(err)
		}
		text, err := json.MarshalIndent(got, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		return string(text) + "\n"
	})
}

// TestBad compares what is said about every *.bad.yaml with the text beside it.
func TestBad(t *testing.T) {
	each(t, "*.bad.yaml", func(t *testing.T, path string) string {
		got := standard()
		err := ReadFile(path, &got)
		var problems Problems
		if !errors.As(err, &problems) {
			t.Fatalf("error is %T (%v), want Problems", err, err)
		}
		return strings.ReplaceAll(err.Error(), "testdata"+string(filepath.Separator), "") + "\n"
	})
}

func each(t *testing.T, pattern string, run func(*testing.T, string) string) {
	files, err := filepath.Glob(filepath.Join("testdata", pattern))
	if err != nil || len(files) == 0 {
		t.Fatalf("no %s: %v", pattern, err)
	}
	for _, path := range files {
		t.Run(filepath.Base(path), func(t *testing.T) {
			golden := strings.TrimSuffix(path, ".yaml") + ".want"
			got := run(t, path)
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got\n%swant\n%s", got, want)
			}
		})
	}
}

func TestEnvironmentOverridesTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "plant.yaml")
	if err := os.WriteFile(path, []byte("name: west\nhttp: {timeout: 5s}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("GRIDHUB_HTTP_TIMEOUT", "9s")
	t.Setenv("GRIDHUB_HTTP_TLS", "true")
	t.Setenv("GRIDHUB_ROOM", "2MiB")
	t.Setenv("GRIDHUB_STREET", "花园路")
	t.Setenv("GRIDHUB_OTHER_PROGRAM", "ignored")
	got := standard()
	if err := Load(path, &got); err != nil {
		t.Fatal(err)
	}
	if got.Name != "west" || got.HTTP.Timeout != 9*time.Second || !got.HTTP.TLS || got.Room != 2<<20 || got.Street != "花园路" {
		t.Errorf("got %+v", got)
	}
	t.Setenv("GRIDHUB_HTTP_PORT", "eighty")
	const want = `environment: GRIDHUB_HTTP_PORT: eighty: want a whole number from 0 to 65535`
	if err := Load(path, &got); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if err := ReadFile(path, &got); err != nil {
		t.Errorf("a data file looked at the environment: %v", err)
	}
}

func TestMissingFileIsAProblem(t *testing.T) {
	err := Load("nowhere.yaml", new(plant))
	var problems Problems
	if !errors.As(err, &problems) || problems[0].File != "nowhere.yaml" {
		t.Fatalf("got %v", err)
	}
}

// TestValidateWithoutFile finds the same faults in a value made by code.
func TestValidateWithoutFile(t *testing.T) {
	p := standard()
	p.Pumps = []pump{{ID: 1, Scale: 1}, {ID: -1, Scale: 1}}
	err := Validate(p)
	if err == nil || err.Error() != "pumps[1].id: -1: want 1 or more" {
		t.Errorf("got %v", err)
	}
}

func TestNearest(t *testing.T) {
	known := []string{"address", "baud", "parity", "word_order", "id"}
	for s, want := range map[string]string{
		"adress": "address", "addres": "address", "braud": "baud", "BAUD": "baud", "pairty": "parity",
		"word-order": "word_order", "wordorder": "word_order", "ip": "id", "speed": "", "xx": "", "": "",
	} {
		if got := Nearest(s, known); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", s, got, want)
		}
	}
}

func TestSize(t *testing.T) {
	for text, want := range map[string]Size{"0": 0, "17": 17, "17B": 17, "512KiB": 512 << 10, "64 MiB": 64 << 20, "2GiB": 2 << 30} {
		var s Size
		if err := s.UnmarshalText([]byte(text)); err != nil || s != want {
			t.Errorf("%q = %d, %v, want %d", text, s, err, want)
		}
		var again Size
		if err := again.UnmarshalText([]byte(s.String())); err != nil || again != s {
			t.Errorf("%d prints as %s, which reads as %d (%v)", s, s, again, err)
		}
	}
	for _, text := range []string{"", "-1", "1GB", "1.5MiB", "9999999999GiB", "MiB"} {
		if err := new(Size).UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q was accepted", text)
		}
	}
}

// FuzzDecode holds that no bytes make the loader panic or run away.
func FuzzDecode(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.yaml")
	for _, path := range files {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte("a: &a [*a, *a]\nextra: *a"))
	f.Fuzz(func(t *testing.T, data []byte) {
		p := standard()
		_ = Decode("fuzz", data, &p)
	})
}
