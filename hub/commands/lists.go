package commands

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"

	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
)

// announced is a list of public keys as receivers are told it: signed with the
// key that was in use when it was made, which is one of the list before. So a
// receiver that missed some follows from list to list.
type announced struct {
	Serial uint64      `json:"serial"`
	Keys   []string    `json:"keys"` // ids, sorted
	Signed wire.Signed `json:"signed"`
}

func readLists(path string) (all []announced, err error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &all)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w: without it, receivers that were away must enrol anew; remove it to go on", path, err)
	}
	return all, nil
}

// announce makes a list of the public keys, if it is not the newest that was
// announced, and tells it. A hub that has never had but one key announces
// nothing: every receiver was given that. The caller holds the lock.
func (k *Keys) announce() error {
	ids := make([]string, len(k.public))
	for i, one := range k.public {
		ids[i] = wire.KeyID(one)
	}
	slices.Sort(ids)
	now := telemetry.At(time.Now())
	serial := uint64(now)
	if n := len(k.lists); n > 0 {
		if slices.Equal(ids, k.lists[n-1].Keys) {
			return nil
		}
		serial = max(serial, k.lists[n-1].Serial+1)
	} else if len(ids) == 1 {
		return nil
	}
	signed, err := wire.SealKeys(wire.KeyList{V: wire.Version, Serial: serial, Keys: string(encode(k.public...)), Now: now}, k.secret)
	if err != nil {
		return err
	}
	lists := append(slices.Clone(k.lists), announced{serial, ids, signed})
	lists = lists[max(0, len(lists)-wire.MaxKeys):]
	text, err := json.Marshal(lists)
	if err != nil {
		return fmt.Errorf("command key: %w", err)
	}
	if err := replace(k.path(listsFile), text, 0o644); err != nil {
		return fmt.Errorf("command key: %w", err)
	}
	k.lists = lists
	if k.tell != nil {
		k.tell([]wire.Signed{signed})
	}
	return nil
}

// Tell has f called with each list that is made from now on, before the first
// order that only this list lets receivers believe. f must not call Keys.
func (k *Keys) Tell(f func(lists []wire.Signed)) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.tell = f
}

// Lists returns what a receiver that was away must be told, in order.
func (k *Keys) Lists() []wire.Signed {
	k.mu.Lock()
	defer k.mu.Unlock()
	all := make([]wire.Signed, len(k.lists))
	for i, l := range k.lists {
		all[i] = l.Signed
	}
	return all
}

// Pinnable returns PublicKeys and the serial of their list; 0: none was ever
// announced.
func (k *Keys) Pinnable() (keys []ed25519.PublicKey, serial uint64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if n := len(k.lists); n > 0 {
		serial = k.lists[n-1].Serial
	}
	return slices.Clone(k.public), serial
}
