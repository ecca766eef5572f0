// Command testsum reads what test programs report, shows what failed and
// little else, and keeps the counts for a summary. A skipped test counts as
// failed: one that does not run proves nothing.
//
//	go test -json ./... | testsum -counts FILE go
//	testsum -counts FILE vitest REPORT.json
//	testsum -counts FILE step NAME STATUS
//	testsum -counts FILE total
//
// It ends with 1 if anything failed, or if nothing ran.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

// tally counts tests.
type tally struct{ passed, failed int }

func (t tally) String() string { return fmt.Sprintf("%d passed, %d failed", t.passed, t.failed) }

func main() {
	counts := flag.String("counts", "", "`file` to which the counts are added")
	flag.Parse()
	t, err := run(flag.Args(), *counts, os.Stdin, os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "testsum:", err)
	}
	if err != nil || t.failed > 0 || t.passed == 0 {
		os.Exit(1)
	}
}

func run(args []string, counts string, in io.Reader, out io.Writer) (tally, error) {
	if len(args) == 0 {
		return tally{}, fmt.Errorf("want go, vitest REPORT, step NAME STATUS or total")
	}
	if args[0] == "total" {
		return total(counts, out)
	}
	t, err := read(args, in, out)
	if err != nil {
		t.failed++ // what could not be read was not passed
	}
	return t, joined(err, add(counts, t))
}

func read(args []string, in io.Reader, out io.Writer) (tally, error) {
	switch {
	case args[0] == "go":
		return readGo(in, out)
	case args[0] == "vitest" && len(args) == 2:
		return readVitest(args[1], out)
	case args[0] == "step" && len(args) == 3:
		if args[2] != "0" {
			return tally{failed: 1}, nil
		}
		return tally{passed: 1}, nil
	}
	return tally{}, fmt.Errorf("%q is not understood", args)
}

// add appends a line with both counts.
func add(path string, t tally) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(f, t.passed, t.failed)
	return joined(err, f.Close())
}

// total adds up the lines and prints the summary.
func total(path string, out io.Writer) (tally, error) {
	f, err := os.Open(path)
	if err != nil {
		return tally{}, err
	}
	defer f.Close()
	var sum tally
	for s := bufio.NewScanner(f); s.Scan(); {
		p, n, _ := strings.Cut(s.Text(), " ")
		passed, err1 := strconv.Atoi(p)
		failed, err2 := strconv.Atoi(n)
		if err := joined(err1, err2); err != nil {
			return sum, fmt.Errorf("%s: %w", path, err)
		}
		sum.passed += passed
		sum.failed += failed
	}
	_, err = fmt.Fprintln(out, sum)
	return sum, err
}

func joined(a, b error) error {
	if a != nil {
		return a
	}
	return b
}
