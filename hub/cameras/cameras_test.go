package cameras

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gridhub/configs"
)

func TestTheExample(t *testing.T) {
	var f File
	if err := configs.ReadFile("../../configs/demo/cameras.example", &f); err != nil {
		t.Fatal(err)
	}
	if len(f.Cameras) != 2 || f.Cameras[0].Pushes() || !f.Cameras[1].Pushes() {
		t.Errorf("read %+v", f.Cameras)
	}
}

func TestMistakes(t *testing.T) {
	for text, want := range map[string]string{
		`{id: Gate 1, name: {zh: 门}, place: {lon: 1, lat: 1}, url: "rtsp://a/b"}`:                                   "small letters",
		`{id: a, place: {lon: 1, lat: 1}, url: "rtsp://a/b"}`:                                                       "a name",
		`{id: a, name: {zh: 门}, place: {lon: 200, lat: 1}, url: "rtsp://a/b"}`:                                      "degrees",
		`{id: a, name: {zh: 门}, place: {lon: 1, lat: 1}, url: "http://a/b"}`:                                        "rtsp://HOST/PATH",
		`{id: a, name: {zh: 门}, place: {lon: 1, lat: 1}, url: "rtsp://admin:hunter2@a/b"}`:                          "user and password",
		`{id: a, name: {zh: 门}, place: {lon: 1, lat: 1}}`:                                                           "token",
		`{id: a, name: {zh: 门}, place: {lon: 1, lat: 1}, url: "rtsp://a/b", user: viewer}`:                          "password of the user",
		`{id: a, name: {zh: 门}, place: {lon: 1, lat: 1}, url: "rtsp://a/b", pasword_file: x}`:                       "password_file",
		`{id: a, name: {zh: 门}, place: {lon: 1, lat: 1}, url: "rtsp://a/b", password_file: x, user: u, udp: maybe}`: "udp",
	} {
		var f File
		err := configs.Decode("cameras.yaml", []byte("cameras:\n  - "+text+"\n"), &f)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s\n%v, want %q", text, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the error shows a password: %v", err)
		}
	}
}

func TestSecrets(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	write("good", "to ken\n", 0o600)
	write("open", "token\n", 0o644)
	write("empty", "\n", 0o600)
	for file, want := range map[string]string{"open": "chmod 600", "empty": "empty", "none": "no such file"} {
		if _, err := (Camera{ID: "a", File: file}).Secret(dir); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", file, err, want)
		}
	}
	b, err := Open([]Camera{{ID: "worn", File: "good"}, {ID: "gate", URL: "rtsp://a/b", File: "good"}}, func(string) string { return dir })
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		id, token string
		want      bool
	}{{"worn", "to ken", true}, {"worn", "", false}, {"worn", "to ken ", false}, {"gate", "to ken", false}, {"none", "to ken", false}} {
		if got := b.MaySend(tt.id, tt.token); got != tt.want {
			t.Errorf("%s with %q: %v", tt.id, tt.token, got)
		}
	}
}
