// Package configs loads YAML and explains every mistake in it: file, line,
// column, the key, its value, and what was wanted instead.
//
// It promises strictness (unknown and repeated keys are problems, with the
// nearest known key as a hint), completeness (all problems of a file at once)
// and no hidden state: a value that the file leaves out keeps what the caller
// put there. What a configuration means belongs to the package that owns the
// type; it says so in a Validate method, whose FieldErrors the loader turns
// into positions. Beside the code lie the files that are shipped.
package configs

import (
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"

	"github.com/goccy/go-yaml/ast"
)

// MaxBytes is the largest file the loader reads; a larger one is a mistake.
const MaxBytes = 8 << 20

// Load reads a program's configuration from path into the struct that into
// points to, which already holds the defaults. Environment variables override
// the file (see Prefix), then every Validate is asked. The error is a Problems
// unless the file cannot be read.
func Load(path string, into any) error {
	data, err := read(path)
	if err != nil {
		return err
	}
	return decode(path, data, into, os.Environ())
}

// ReadFile is Load for data files (profiles, devices, matters, rules): the
// environment is left alone.
func ReadFile(path string, into any) error {
	data, err := read(path)
	if err != nil {
		return err
	}
	return decode(path, data, into, nil)
}

// Decode is ReadFile for bytes that are already in memory; name stands for the
// file in problems. An empty document changes nothing, but is validated.
func Decode(name string, data []byte, into any) error {
	return decode(name, data, into, nil)
}

func decode(name string, data []byte, into any, environ []string) error {
	target := reflect.ValueOf(into)
	if target.Kind() != reflect.Pointer || target.IsNil() {
		return fmt.Errorf("configs: decode %s into %T: want a pointer", name, into)
	}
	d := &decoder{file: name, at: map[string]place{}, anchors: map[string]ast.Node{}}
	if root := d.parse(data); root != nil {
		d.value(root, target.Elem(), "")
	}
	if !d.fatal {
		d.environment(target.Elem(), environ)
		d.validate(target)
	}
	return d.problems.err()
}

// read returns the file's bytes, refusing what cannot be a configuration.
func read(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		var pe *os.PathError
		if errors.As(err, &pe) {
			return nil, Problems{{File: path, Want: "want a readable file: " + pe.Err.Error()}}
		}
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, MaxBytes+1))
	if err != nil {
		return nil, Problems{{File: path, Want: "want a readable file: " + err.Error()}}
	}
	if len(data) > MaxBytes {
		return nil, Problems{{File: path, Want: fmt.Sprintf("want a file of at most %d bytes", MaxBytes)}}
	}
	return data, nil
}
