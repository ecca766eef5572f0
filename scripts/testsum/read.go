package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
)

// event is one line of go test -json (go doc test2json).
type event struct {
	Action, Package, Test, Output string
	ImportPath                    string // of a build that failed
	Elapsed                       float64
	FailedBuild                   string
}

// goReader follows one run of go test.
type goReader struct {
	tally
	out     io.Writer
	outputs map[string][]string // by package and test, until the test has passed
	red     map[string]bool     // packages with a failed test
}

// maxOutput is the most lines kept of one test: the last ones.
const maxOutput = 400

func readGo(in io.Reader, out io.Writer) (tally, error) {
	r := goReader{out: out, outputs: map[string][]string{}, red: map[string]bool{}}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			fmt.Fprintln(out, lines.Text()) // the go command itself
			continue
		}
		r.take(e)
	}
	return r.tally, lines.Err()
}

func (r *goReader) take(e event) {
	key := e.Package + " " + e.Test
	switch e.Action {
	case "output", "build-output":
		if e.Action == "build-output" {
			key = e.ImportPath + " "
		}
		kept := append(r.outputs[key], e.Output)
		r.outputs[key] = kept[max(0, len(kept)-maxOutput):]
	case "pass", "fail", "skip":
		r.end(key, e)
		delete(r.outputs, key)
	}
}

// end counts a finished test, or prints the line of a finished package.
func (r *goReader) end(key string, e event) {
	switch {
	case e.Test == "":
		r.endPackage(key, e)
	case e.Action == "pass":
		r.passed++
	default:
		r.failed++
		r.red[e.Package] = true
		r.show(e.Action+" "+key, key)
	}
}

func (r *goReader) endPackage(key string, e event) {
	switch {
	case e.Action == "skip":
		return // no test files
	case e.Action == "fail" && !r.red[e.Package]:
		r.failed++ // it did not build, or died outside its tests
		if e.FailedBuild != "" {
			r.show("fail "+e.Package, e.FailedBuild+" ")
		}
		r.show("fail "+e.Package, key)
	}
	fmt.Fprintf(r.out, "%-4s %6.1fs %s\n", e.Action, e.Elapsed, e.Package)
}

func (r *goReader) show(title, key string) {
	fmt.Fprintf(r.out, "---- %s\n%s\n", title, strings.Join(r.outputs[key], ""))
}

// report is what vitest writes with --reporter=json.
type report struct {
	TestResults []struct {
		Name             string `json:"name"`
		Status           string `json:"status"`
		Message          string `json:"message"`
		AssertionResults []struct {
			FullName        string   `json:"fullName"`
			Status          string   `json:"status"`
			FailureMessages []string `json:"failureMessages"`
		} `json:"assertionResults"`
	} `json:"testResults"`
}

func readVitest(path string, out io.Writer) (tally, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return tally{}, err
	}
	var rep report
	if err := json.Unmarshal(data, &rep); err != nil {
		return tally{}, fmt.Errorf("%s: %w", path, err)
	}
	var t tally
	for _, file := range rep.TestResults {
		before := t.failed
		for _, a := range file.AssertionResults {
			if a.Status == "passed" {
				t.passed++
				continue
			}
			t.failed++
			fmt.Fprintf(out, "---- %s %s\n%s\n", a.Status, a.FullName, strings.Join(a.FailureMessages, "\n"))
		}
		if file.Status == "failed" && t.failed == before {
			t.failed++ // it did not even load
			fmt.Fprintf(out, "---- failed %s\n%s\n", file.Name, file.Message)
		}
	}
	return t, nil
}
