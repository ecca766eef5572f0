package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// book is the file of accounts and passwords.
type book struct {
	path  string
	known map[string]string
}

func openBook(path string) (*book, error) {
	b := &book{path: path, known: map[string]string{}}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return b, nil
	} else if err != nil {
		return nil, err
	}
	for n, line := range strings.Split(strings.TrimRight(string(data), "\n"), "\n") {
		account, password, ok := strings.Cut(line, " ")
		if !ok {
			return nil, fmt.Errorf("%s:%d: want an account and its password, a space between", path, n+1)
		}
		b.known[account] = password
	}
	return b, nil
}

// password returns the account's password; a new one is in the file before it
// is returned.
func (b *book) password(account string) (string, error) {
	if p, ok := b.known[account]; ok {
		return p, nil
	}
	p := rand.Text()
	f, err := os.OpenFile(b.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return "", err
	}
	_, err = fmt.Fprintln(f, account, p)
	if err := errors.Join(err, f.Close()); err != nil {
		return "", err
	}
	b.known[account] = p
	return p, nil
}
