package cli

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
)

// TestCheckSpeaksBoth asks for mistakes in both languages, by flag and by the
// environment.
func TestCheckSpeaksBoth(t *testing.T) {
	file := filepath.Join(t.TempDir(), "edge.yaml")
	write(t, file, "profiles: []\ndevices: []\npoll: {retires: 1}\n")
	const en, zh = "did you mean retries?", "是否想写 retries？"
	for _, tt := range []struct {
		locale string
		args   []string
		want   string
	}{
		{"C", nil, en}, {"zh_CN.UTF-8", nil, zh}, {"C", []string{"--lang", "zh"}, zh}, {"zh_CN.UTF-8", []string{"--lang=en"}, en},
	} {
		t.Setenv("LC_ALL", tt.locale)
		var out bytes.Buffer
		err := Run(t.Context(), append(append([]string{"check"}, tt.args...), file), &out, &out)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s %v: %v, want %q", tt.locale, tt.args, err, tt.want)
		}
	}
	var out bytes.Buffer
	if err := Run(t.Context(), []string{"check", "--lang", "fr", file}, &out, &out); err == nil || !strings.Contains(err.Error(), "zh or en") {
		t.Errorf("a language that is none: %v", err)
	}
	if err := Run(t.Context(), []string{"check", "--lang", "zh", "../../configs/edge.yaml"}, &out, &out); err != nil || !strings.Contains(out.String(), "无误") {
		t.Errorf("a sound file: %v, %s", err, out.String())
	}
}

// TestCheckFolders holds that folders are checked as a gateway reads them.
func TestCheckFolders(t *testing.T) {
	for path, want := range map[string]string{"../../configs/profiles": " profiles, 0 lines, 0 devices", "../../configs/devices": " devices"} {
		var out bytes.Buffer
		if err := Run(t.Context(), []string{"check", "--lang", "en", path}, &out, &out); err != nil || !strings.Contains(out.String(), want) {
			t.Errorf("%s: %v, %s", path, err, out.String())
		}
	}
	var out bytes.Buffer
	if err := Run(t.Context(), []string{"check", "--lang", "en", t.TempDir()}, &out, &out); err == nil || !strings.Contains(err.Error(), "files that end with .yaml") {
		t.Errorf("an empty folder: %v", err)
	}
}
