package chain_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// guide is edge/README.md as somebody follows it: the blocks of its sections, in
// the order in which they stand there.
type guide struct {
	t      *testing.T
	blocks map[string][]string // by number of the section
	dir    string              // where its commands are said
	path   string              // where its programs are
	real   *strings.Replacer   // what stands there, and what it is on this machine
}

func readGuide(t *testing.T) *guide {
	t.Helper()
	text, err := os.ReadFile("../../../edge/README.md")
	if err != nil {
		t.Fatal(err)
	}
	g := &guide{t: t, blocks: map[string][]string{}, dir: t.TempDir(), path: t.TempDir()}
	for _, section := range strings.Split(string(text), "\n## ")[1:] {
		number, _, _ := strings.Cut(section, ".")
		for _, block := range regexp.MustCompile("(?s)\n```[a-z]*\n(.*?)\n```").FindAllStringSubmatch(section, -1) {
			g.blocks[number] = append(g.blocks[number], block[1])
		}
	}
	return g
}

// program puts a program where the guide's commands find it; more follows what
// the guide says.
func (g *guide) program(name, path, more string) {
	g.t.Helper()
	file := filepath.Join(g.path, name)
	write(g.t, file, fmt.Sprintf("#!/bin/sh\nexec %s \"$@\" %s\n", path, more))
	if err := os.Chmod(file, 0o700); err != nil {
		g.t.Fatal(err)
	}
}

func (g *guide) block(section string, n int) string {
	g.t.Helper()
	if len(g.blocks[section]) < n {
		g.t.Fatalf("section %s has %d blocks, want %d", section, len(g.blocks[section]), n)
	}
	return g.blocks[section][n-1]
}

// line is the one line of a block that begins so.
func (g *guide) line(section, begin string) string {
	g.t.Helper()
	for _, block := range g.blocks[section] {
		for l := range strings.Lines(block) {
			if strings.HasPrefix(l, begin) {
				return strings.TrimSpace(l)
			}
		}
	}
	g.t.Fatalf("section %s does not say %q", section, begin)
	return ""
}

func (g *guide) shell(ctx context.Context, commands string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "/bin/sh", "-ec", g.real.Replace(commands))
	cmd.Dir = g.dir
	cmd.Env = append(os.Environ(), "PATH="+g.path+":"+os.Getenv("PATH"), "LANG=C")
	return cmd
}

// say runs commands as they stand there.
func (g *guide) say(commands string) string {
	g.t.Helper()
	out, err := g.shell(g.t.Context(), commands).CombinedOutput()
	if err != nil {
		g.t.Fatalf("%s\n%v\n%s", commands, err, out)
	}
	return string(out)
}

// TestGuide follows edge/README.md from the box to the first reading, with the
// commands and files that stand there and no others.
func TestGuide(t *testing.T) {
	h, root := open(t, "")
	c := layCableTo(t, "testdata/meter.py")
	share, err := filepath.Abs("../../../configs")
	if err != nil {
		t.Fatal(err)
	}
	g := readGuide(t)
	g.program("hub", hubProgram, "--config "+h.config)
	g.program("edge", edgeProgram, "")
	g.real = strings.NewReplacer("/usr/local/share/gridhub/configs", share, "/dev/ttyUSB0", c.near,
		"/dev/serial/by-id/usb-FTDI_FT232R_USB_UART_A10K-if00-port0", c.near)

	g.say(g.block("1", 1))
	g.dir = filepath.Join(g.dir, "gateway")
	printed := g.say(g.block("1", 2) + " --url https://" + h.https)
	invitation := regexp.MustCompile(`gridhub:[^']+`).FindString(printed)
	enrol := regexp.MustCompile(`gridhub:[^']+`).ReplaceAllString(g.block("1", 3), invitation)
	if said := g.say(enrol); !strings.Contains(said, "gw-cabinet-3 is enrolled until ") {
		t.Errorf("enrol says %s", said)
	}

	eventually(t, "the meter on the line", func() error {
		if out, err := g.shell(t.Context(), g.line("2", "edge scan")).CombinedOutput(); err != nil || !strings.Contains(string(out), "17") {
			return fmt.Errorf("%w: %s", err, out)
		}
		return nil
	})
	if said := g.say(g.line("2", "edge probe --table")); !strings.Contains(said, "229.5*") {
		t.Errorf("probe does not show 229.5 V as plausible:\n%s", said)
	}
	if out, err := g.shell(t.Context(), g.line("2", "edge probe --protocol")).CombinedOutput(); err == nil {
		t.Errorf("a meter of another protocol was found: %s", out)
	}

	write(t, filepath.Join(g.dir, "devices", "cabinet-3.yaml"), g.real.Replace(g.block("3", 1))+"\n")
	if said := g.say(g.line("4", "edge check")); !strings.Contains(said, "1 devices") {
		t.Errorf("check says %s", said)
	}
	g.watches()

	run := g.shell(t.Context(), "exec "+g.line("4", "edge run"))
	var log strings.Builder
	run.Stdout, run.Stderr = &log, &log
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = run.Process.Signal(os.Interrupt)
		if err := run.Wait(); err != nil {
			t.Errorf("edge run: %v\n%s", err, log.String())
		}
	}()
	eventually(t, "the first reading", func() error {
		all := root.series("meter-017", "voltage_1")
		if len(all) == 0 || all[0].Value != 229.5 {
			return errors.New("no 229.5 V of meter-017")
		}
		return nil
	})
	if said := g.say("edge reload --config edge.yaml"); !strings.Contains(said, "1 lines, 1 devices run") {
		t.Errorf("reload says %s", said)
	}
	if said := g.say("edge resend --from 2026-05-01 --config edge.yaml"); !strings.Contains(said, "records offered again") {
		t.Errorf("resend says %s", said)
	}
}

// watches looks at the values in the terminal until they are there.
func (g *guide) watches() {
	g.t.Helper()
	ctx, stop := context.WithTimeout(g.t.Context(), patience)
	defer stop()
	cmd := g.shell(ctx, "exec "+g.line("4", "edge watch"))
	out := filepath.Join(g.t.TempDir(), "watch")
	file, err := os.Create(out)
	if err != nil {
		g.t.Fatal(err)
	}
	defer file.Close()
	cmd.Stdout, cmd.Stderr = file, file
	if err := cmd.Start(); err != nil {
		g.t.Fatal(err)
	}
	eventually(g.t, "live values", func() error {
		text, err := os.ReadFile(out)
		if err == nil && !strings.Contains(string(text), "229.5") {
			err = fmt.Errorf("it shows %q", text)
		}
		return err
	})
	_ = cmd.Process.Signal(os.Interrupt)
	began := time.Now()
	if err := cmd.Wait(); err != nil {
		g.t.Errorf("edge watch ended %v after it was interrupted: %v", time.Since(began), err)
	}
}
