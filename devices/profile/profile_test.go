package profile

import (
	"errors"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gridhub/configs"
	"gridhub/configs/words"
	"gridhub/devices/codec/dlt645"
	"gridhub/devices/codec/modbus"
	"gridhub/devices/telemetry"
)

var update = flag.Bool("update", false, "rewrite the expected files")

const shipped = "../../configs/profiles"

// TestShipped loads every profile that is shipped: its frames prove it.
func TestShipped(t *testing.T) {
	lib, err := LoadLibrary(shipped)
	if err != nil {
		t.Fatal(err)
	}
	files, _ := filepath.Glob(shipped + "/*.yaml")
	if len(lib) != len(files) || len(lib) < 30 {
		t.Errorf("%d profiles in %d files", len(lib), len(files))
	}
	for ref, p := range lib {
		if len(p.Golden) == 0 {
			t.Errorf("%s has no golden frames", ref)
		}
		if !p.Simulated() && !p.Unverified() && !strings.Contains(p.Source, "http") {
			t.Errorf("%s: source %q is neither simulated, unverified nor a citation", ref, p.Source)
		}
	}
}

// TestManual loads the profile that the manual shows, so that it stays true.
func TestManual(t *testing.T) {
	text, err := os.ReadFile(shipped + "/README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(text), "```yaml\n")
	example, _, closed := strings.Cut(rest, "```")
	if !ok || !closed {
		t.Fatal("no example in the manual")
	}
	path := filepath.Join(t.TempDir(), "example.yaml")
	if err := os.WriteFile(path, []byte(example), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadProfile(path); err != nil {
		t.Error(err)
	}
}

// TestBad compares what is said about a folder of wrong files with the text
// beside it in each language: one folder per way to be wrong.
func TestBad(t *testing.T) {
	dirs, _ := filepath.Glob("testdata/bad/*")
	if len(dirs) == 0 {
		t.Fatal("no cases")
	}
	for _, dir := range dirs {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			lib, err := LoadLibrary(shipped)
			if err != nil {
				t.Fatal(err)
			}
			_, err = LoadLibrary(filepath.Join(dir, "profiles"))
			if _, missing := os.Stat(filepath.Join(dir, "profiles")); missing != nil {
				_, err = LoadPlant(lib, dir)
			}
			var problems configs.Problems
			if !errors.As(err, &problems) {
				t.Fatalf("got %v, want Problems", err)
			}
			for file, lang := range map[string]words.Lang{"want.txt": words.EN, "want.zh.txt": words.ZH} {
				golden := filepath.Join(dir, file)
				got := strings.ReplaceAll(lang.Problems(problems).Error(), dir+"/", "") + "\n"
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
					t.Errorf("%s: got\n%swant\n%s", file, got, want)
				}
			}
		})
	}
}

func TestAnswersScale(t *testing.T) {
	lib, err := LoadLibrary(shipped)
	if err != nil {
		t.Fatal(err)
	}
	p := lib["electricity-meter@1"]
	for ratio, want := range map[string]float64{"": 5, "40": 200} {
		answers := map[string]string{}
		if ratio != "" {
			answers["ratio"] = ratio
		}
		layout, err := p.Layout(answers)
		if err != nil {
			t.Fatal(err)
		}
		first := make([]byte, layout.Blocks()[0].Size())
		copy(first[12:], []byte{0x40, 0xA0}) // 5.0 A
		values, _, err := layout.Decode([][]byte{first, make([]byte, 4)})
		if err != nil {
			t.Fatal(err)
		}
		if values[1].Metric != "current" || values[1].Value != want {
			t.Errorf("ratio %q: %v, want current %v", ratio, values[1], want)
		}
	}
}

func TestEntry(t *testing.T) {
	lib, err := LoadLibrary(shipped)
	if err != nil {
		t.Fatal(err)
	}
	d := Device{ID: "gas-1", Name: "配电房", Place: Place{Grid: "G01", Lon: 104.06, Lat: 30.67, Seal: "S-1", Photo: "gas-1.jpg"},
		Line: "cabinet-3", Unit: "SN-1", Maintenance: true}
	e := d.Entry(lib["gas-ch4@1"])
	if e.Profile != "gas-ch4@1" || e.Kind != "gas" || e.Period != 5000 || len(e.Metrics) != 2 ||
		e.Metrics[0].Unit != "%LEL" || *e.Metrics[0].Max != 100 || e.Metrics[1].Max != nil || e.Place.Grid != "G01" ||
		e.Place.Seal != "S-1" || e.Place.Photo != "gas-1.jpg" || e.Line != "cabinet-3" || e.Unit != "SN-1" || !e.Maintenance {
		t.Errorf("got %+v", e)
	}
}

// TestEncode answers as each shipped device that is asked would, with its
// golden values, and reads that back.
func TestEncode(t *testing.T) {
	lib, err := LoadLibrary(shipped)
	if err != nil {
		t.Fatal(err)
	}
	tried := 0
	for ref, p := range lib {
		for _, g := range p.Golden {
			if len(g.Set) > 0 {
				continue // what is written to it
			}
			compiled, err := p.Compile(g.Answers)
			if err != nil {
				t.Fatal(err)
			}
			var answers [][]byte
			var values []telemetry.Field
			switch layout := compiled.(type) {
			case modbus.Layout:
				for _, b := range layout.Blocks() {
					data, ok := layout.Encode(b, g.Values)
					if !ok {
						t.Errorf("%s lacks its own %v", ref, b)
					}
					answers = append(answers, data)
				}
				values, _, err = layout.Decode(answers)
			case dlt645.Layout:
				for _, di := range layout.Asks() {
					answers = append(answers, layout.Encode(di, g.Values))
				}
				values, _, err = layout.Decode(answers)
			default:
				continue
			}
			if wrong := differ(values, g.Values); err != nil || len(wrong) > 0 {
				t.Errorf("%s: %v, %v", ref, err, wrong)
			}
			tried++
		}
	}
	if tried < 20 {
		t.Errorf("only %d devices are asked", tried)
	}
}

// TestCategories holds that what a street measures has a profile, and that each
// profile says whether somebody can vouch for it.
func TestCategories(t *testing.T) {
	lib, err := LoadLibrary(shipped)
	if err != nil {
		t.Fatal(err)
	}
	have := map[string]bool{}
	for ref, p := range lib {
		for _, m := range p.Metrics {
			have[p.Kind+"/"+m.Name] = true
		}
		if !p.Simulated() && !p.Unverified() && !strings.Contains(p.Source, "http") {
			t.Errorf("%s neither cites a source nor says that it is unverified", ref)
		}
	}
	for _, want := range []string{
		"climate/temperature", "climate/humidity", "noise/laeq", "dust/pm25", "dust/pm10", "gas/ch4", "gas/co", "smoke/smoke", "water-level/depth",
		"manhole/tilt", "door/contact_1", "leakage/leakage", "electricity/energy", "water/volume", "relay/relay_1", "position/lon",
	} {
		if !have[want] {
			t.Errorf("no profile measures %s: %v", want, slices.Sorted(maps.Keys(have)))
		}
	}
	if len(lib) < 30 {
		t.Errorf("only %d profiles", len(lib))
	}
}
