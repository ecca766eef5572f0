package commands

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"slices"

	"gridhub/devices/wire"
)

// ReadKeys reads the public keys of path: PEM blocks PUBLIC KEY, each of an
// Ed25519 key (RFC 8410). What else stands between them is passed over.
func ReadKeys(path string) (keys []ed25519.PublicKey, err error) {
	list, err := readKeyFile(path)
	return list.Keys, err
}

func readKeyFile(path string) (f wire.KeyFile, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return f, fmt.Errorf("command keys: %w", err)
	}
	if f, err = wire.ParseKeys(text); err != nil {
		return f, fmt.Errorf("command keys: %s: %w", path, err)
	}
	return f, nil
}

// CheckKeys says what is wrong with a file of keys, in the words of a
// configuration's problem.
func CheckKeys(path string) error {
	if _, err := ReadKeys(path); err != nil {
		return errors.New("a file with PEM blocks PUBLIC KEY, of Ed25519 keys")
	}
	return nil
}

// Ring is the keys whose orders count: those that somebody wrote down here, and
// those that the hub told. It reads the files anew each time it is asked: orders
// are few, and a key that is changed counts at once. A file that is not there
// has none.
type Ring struct {
	Own string // a file of the operator's; empty: none. The hub changes nothing in it.
	// Told returns the file of the hub's keys, which may be another one after an
	// enrolment.
	Told func() string
	// Keep makes text the content of the hub's file, durably, if replaces says so
	// of what is there then.
	Keep func(text string, replaces func(path string) bool) error
	Log  *slog.Logger
}

// Keys returns all keys that count.
func (r Ring) Keys() []ed25519.PublicKey {
	return append(r.read(r.Own).Keys, r.read(r.Told()).Keys...)
}

func (r Ring) read(path string) wire.KeyFile {
	if path == "" {
		return wire.KeyFile{}
	}
	f, err := readKeyFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		r.Log.Error("command keys cannot be read, orders signed with them will be refused", "error", err)
	}
	return f
}

// Take lets a list replace what the hub told before, if a key that counts has
// signed it and it is newer. A hub repeats its lists on each connection.
func (r Ring) Take(s wire.Signed) {
	l, err := s.OpenKeys(r.Keys()...)
	if errors.Is(err, wire.ErrKey) {
		r.Log.Debug("a list of command keys is signed with a key that does not count here", "key", s.Key)
		return // of a time before the enrolment, most likely
	}
	if err != nil {
		r.Log.Error("a list of command keys is refused", "key", s.Key, "error", err)
		return
	}
	taken := false
	err = r.Keep(wire.KeyText(l.Serial, l.Keys), func(path string) bool {
		taken = l.Serial > r.read(path).Serial
		return taken
	})
	if err != nil {
		r.Log.Error("command keys cannot be kept", "error", err)
	} else if taken {
		r.tell(l)
	}
}

// tell logs whose orders count now.
func (r Ring) tell(l wire.KeyList) {
	list, _ := wire.ParseKeys([]byte(l.Keys)) // it was opened
	keys := list.Keys
	r.Log.Info("the hub's command keys are others now", "serial", l.Serial, "keys", ids(keys))
	for _, own := range r.read(r.Own).Keys {
		if !slices.ContainsFunc(keys, func(k ed25519.PublicKey) bool { return k.Equal(own) }) {
			r.Log.Warn("a key in hub.command_keys is none of the hub's any more: take it out", "key", wire.KeyID(own))
		}
	}
}

func ids(keys []ed25519.PublicKey) (all []string) {
	for _, k := range keys {
		all = append(all, wire.KeyID(k))
	}
	return all
}
