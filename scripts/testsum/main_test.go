package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const goOutput = `go: downloading something
{"Action":"start","Package":"m/a"}
{"Action":"run","Package":"m/a","Test":"TestGood"}
{"Action":"output","Package":"m/a","Test":"TestGood","Output":"quiet\n"}
{"Action":"pass","Package":"m/a","Test":"TestGood"}
{"Action":"output","Package":"m/a","Test":"TestBad","Output":"a reason\n"}
{"Action":"fail","Package":"m/a","Test":"TestBad"}
{"Action":"output","Package":"m/a","Test":"TestIdle","Output":"no peer\n"}
{"Action":"skip","Package":"m/a","Test":"TestIdle"}
{"Action":"fail","Package":"m/a","Elapsed":1.5}
{"ImportPath":"m/b [m/b.test]","Action":"build-output","Output":"b.go:1: undefined\n"}
{"ImportPath":"m/b [m/b.test]","Action":"build-fail"}
{"Action":"output","Package":"m/b","Output":"FAIL m/b [build failed]\n"}
{"Action":"fail","Package":"m/b","Elapsed":0,"FailedBuild":"m/b [m/b.test]"}
{"Action":"skip","Package":"m/none"}
`

func TestGo(t *testing.T) {
	var out bytes.Buffer
	got, err := readGo(strings.NewReader(goOutput), &out)
	if want := (tally{1, 3}); err != nil || got != want {
		t.Errorf("%v, %v; want %v", got, err, want)
	}
	for _, want := range []string{"a reason", "no peer", "b.go:1: undefined", "fail    1.5s m/a", "downloading"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	if strings.Contains(out.String(), "quiet") {
		t.Errorf("a good test speaks:\n%s", out.String())
	}
}

func TestVitest(t *testing.T) {
	path := filepath.Join(t.TempDir(), "report.json")
	text := `{"testResults":[
		{"name":"a","status":"failed","assertionResults":[{"fullName":"x","status":"passed"},{"fullName":"y","status":"failed","failureMessages":["why"]},{"fullName":"z","status":"pending"}]},
		{"name":"b","status":"failed","message":"did not load","assertionResults":[]}]}`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	got, err := readVitest(path, &out)
	if want := (tally{1, 3}); err != nil || got != want || !strings.Contains(out.String(), "why") || !strings.Contains(out.String(), "did not load") {
		t.Errorf("%v, %v; want %v\n%s", got, err, want, out.String())
	}
}

// TestTotal goes through the counts' file, with a report that is missing.
func TestTotal(t *testing.T) {
	counts := filepath.Join(t.TempDir(), "counts")
	var out bytes.Buffer
	for _, args := range [][]string{{"go"}, {"step", "web", "0"}, {"step", "check", "2"}} {
		if _, err := run(args, counts, strings.NewReader(goOutput), &out); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := run([]string{"vitest", "nowhere.json"}, counts, nil, &out); err == nil {
		t.Error("a missing report is no error")
	}
	out.Reset()
	got, err := run([]string{"total"}, counts, nil, &out)
	if want := (tally{2, 5}); err != nil || got != want || out.String() != "2 passed, 5 failed\n" {
		t.Errorf("%v, %v, %q; want %v", got, err, out.String(), want)
	}
}
