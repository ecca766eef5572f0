package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"gridhub/scripts/rig"
)

// The plant: four serial lines with twelve slaves each and one port with
// sixteen, ten registers in each slave.
const (
	serialLines = 4
	perSerial   = 12
	onPort      = 16
	slaves      = serialLines*perSerial + onPort
	registers   = 10
	period      = time.Second
)

// plant is the slaves' files and where they answer.
type plant struct {
	*bench
	dir    string
	file   string // lines and devices
	port   string // host:port of those on TCP
	slaves *rig.Program
}

// unit is one slave: its line, and its number there.
type unit struct {
	line    string
	address int
}

func (u unit) id() string { return fmt.Sprintf("%s-%d", u.line, u.address) }

func units() (all []unit) {
	for i := range slaves {
		if i < serialLines*perSerial {
			all = append(all, unit{fmt.Sprintf("bus-%d", i/perSerial), i%perSerial + 1})
		} else {
			all = append(all, unit{"port", i - serialLines*perSerial + 1})
		}
	}
	return all
}

// plant starts the slaves and writes the files for who reads them, below a
// part's folder.
func (b *bench) plant(ctx context.Context, part string) (*plant, error) {
	dir := filepath.Join(b.dir, part)
	p := &plant{bench: b, dir: dir, file: filepath.Join(dir, "plant.yaml"), port: "127.0.0.1:1"}
	if err := errors.Join(os.MkdirAll(filepath.Join(dir, "profiles"), 0o700),
		os.WriteFile(filepath.Join(dir, "profiles", "bench-meter.yaml"), []byte(meter()), 0o600),
		os.WriteFile(p.file, []byte(p.lines()), 0o600)); err != nil {
		return nil, err
	}
	var err error
	p.slaves, err = rig.Launch(ctx, dir, "slaves", filepath.Join(b.bin, "edge"), nil, "simulate", "--links", dir, p.file)
	if err != nil {
		return nil, err
	}
	answers := regexp.MustCompile(`line port: .* answer at (\S+)`)
	if err := p.slaves.Await(ctx, func() error {
		m := answers.FindStringSubmatch(p.slaves.Said())
		if m == nil {
			return errors.New("the slaves are not ready")
		}
		p.port = m[1]
		return nil
	}); err != nil {
		p.slaves.Stop()
		return nil, err
	}
	return p, os.WriteFile(p.file, []byte(p.lines()), 0o600)
}

// meter is the profile of every slave.
func meter() string {
	var s strings.Builder
	fmt.Fprintf(&s, "name: bench-meter\nversion: 1\nkind: electricity\ntitle: {zh: 表, en: meter}\nsource: none, a benchmark's\nperiod: %v\nmetrics:\n", period)
	for r := range registers {
		fmt.Fprintf(&s, "  - {name: m%d, holding: %d, type: u16, simulate: {base: %d, wander: 20, step: 1}}\n", r, r, 100+r)
	}
	return s.String()
}

// lines is the file of lines and devices.
func (p *plant) lines() string {
	var s strings.Builder
	s.WriteString("lines:\n")
	for i := range serialLines {
		fmt.Fprintf(&s, "  - {name: bus-%d, kind: serial, path: %q, baud: 115200}\n", i, p.link(i))
	}
	fmt.Fprintf(&s, "  - {name: port, kind: tcp, address: %q}\ndevices:\n", p.port)
	for _, u := range units() {
		fmt.Fprintf(&s, "  - {id: %s, name: %s, profile: bench-meter@1, line: %s, address: %d}\n", u.id(), u.id(), u.line, u.address)
	}
	return s.String()
}

// link is where a serial line's port is found.
func (p *plant) link(line int) string { return filepath.Join(p.dir, fmt.Sprintf("bus-%d", line)) }
