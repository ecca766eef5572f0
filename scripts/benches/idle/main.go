// Command idle measures what one connected, silent terminal costs the broker.
//
// It starts the broker in a process of its own, opens the connections from
// this one, plaintext over loopback, each with one QoS 1 subscription, and
// compares the broker's memory after garbage collection before and after. The
// last line is one JSON object.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
)

func main() {
	n := flag.Int("connections", 10000, "number of terminals")
	serving := flag.Bool("serve", false, "be the broker: print the address, then a measurement per line of input")
	flag.Parse()
	err := error(nil)
	if *serving {
		err = serve(os.Stdin, os.Stdout)
	} else {
		err = compare(*n)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "idle:", err)
		os.Exit(1)
	}
}

// A measurement is the broker process's memory after garbage collection.
type measurement struct {
	Heap   int64 `json:"heap"`   // live objects
	Stacks int64 `json:"stacks"` // of goroutines
	RSS    int64 `json:"rss"`    // resident pages, after giving back what is free
}

func (m measurement) minus(o measurement) measurement {
	return measurement{m.Heap - o.Heap, m.Stacks - o.Stacks, m.RSS - o.RSS}
}

// compare runs the broker, connects n terminals and prints the difference.
func compare(n int) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	broker := exec.Command(self, "-serve")
	broker.Stderr = os.Stderr
	in, err := broker.StdinPipe()
	if err != nil {
		return err
	}
	out, err := broker.StdoutPipe()
	if err != nil {
		return err
	}
	if err := broker.Start(); err != nil {
		return err
	}
	defer func() { _ = in.Close(); _ = broker.Wait() }()
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		return io.ErrUnexpectedEOF
	}
	address := lines.Text()
	before, err := ask(in, lines)
	if err != nil {
		return err
	}
	done, err := connectTerminals(address, n)
	if err != nil {
		return err
	}
	defer done()
	after, err := ask(in, lines)
	if err != nil {
		return err
	}
	return report(n, after.minus(before))
}

// ask has the broker measure itself.
func ask(in io.Writer, lines *bufio.Scanner) (m measurement, err error) {
	if _, err := fmt.Fprintln(in); err != nil {
		return m, err
	}
	if !lines.Scan() {
		return m, io.ErrUnexpectedEOF
	}
	return m, json.Unmarshal(lines.Bytes(), &m)
}

func report(n int, d measurement) error {
	return json.NewEncoder(os.Stdout).Encode(map[string]any{
		"bench": "idle", "connections": n,
		"bytes_per_conn":       (d.Heap + d.Stacks) / int64(n),
		"heap_bytes_per_conn":  d.Heap / int64(n),
		"stack_bytes_per_conn": d.Stacks / int64(n),
		"rss_bytes_per_conn":   d.RSS / int64(n),
	})
}
