package commands

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"gridhub/devices/wire"
)

// The files of the key, in its folder. The first two are secrets, of which the
// second is there between Prepare and Rotate; the third lists every public key
// that receivers should hold.
const (
	keyFile    = "key.pem"    // PKCS #8, mode 0600
	nextFile   = "next.pem"   // likewise
	publicFile = "public.pem" // SubjectPublicKeyInfo, one after the other
	listsFile  = "lists.json" // the lists that were announced, the newest last
)

// Keys is what orders are signed with, and the public keys to be pinned. Safe
// for concurrent use.
type Keys struct {
	folder string

	mu     sync.Mutex
	secret ed25519.PrivateKey
	next   ed25519.PrivateKey  // nil: none is prepared
	public []ed25519.PublicKey // the one in use first
	lists  []announced         // at most wire.MaxKeys, the oldest goes first
	tell   func([]wire.Signed)
}

// PublicKey is one listed key, for people and for the API.
type PublicKey struct {
	ID      string `json:"id" doc:"as orders name it"`
	Current bool   `json:"current" doc:"orders are signed with it"`
	Next    bool   `json:"next" doc:"orders will be signed with it"`
	PEM     string `json:"pem"`
}

// OpenKeys reads the key in folder, or makes one at the first start. A folder
// with public keys and no secret is refused: a new key would not be the one
// that receivers hold.
func OpenKeys(folder string) (*Keys, error) {
	k := &Keys{folder: folder}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("command key: %w", err)
	}
	var err error
	if k.public, err = readPublic(k.path(publicFile)); err != nil {
		return nil, fmt.Errorf("command key: %w", err)
	}
	k.secret, err = readSecret(k.path(keyFile))
	if errors.Is(err, fs.ErrNotExist) && len(k.public) == 0 {
		k.secret, err = k.make(keyFile)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("command key: %s is missing although receivers hold its public half: bring it back from a backup, "+
			"or remove %s to begin with a new key that every gateway must be given", k.path(keyFile), k.path(publicFile))
	}
	if err != nil {
		return nil, fmt.Errorf("command key: %w", err)
	}
	if k.lists, err = readLists(k.path(listsFile)); err != nil {
		return nil, fmt.Errorf("command key: %w", err)
	}
	return k, k.resume()
}

// resume brings the files of a change that was cut short into order.
func (k *Keys) resume() (err error) {
	if k.next, err = readSecret(k.path(nextFile)); errors.Is(err, fs.ErrNotExist) {
		k.next, err = nil, nil
	}
	if err == nil && k.next.Equal(k.secret) { // it was put to use, and not yet put away
		k.next, err = nil, os.Remove(k.path(nextFile))
	}
	if err != nil {
		return fmt.Errorf("command key: %w", err)
	}
	all := append([]ed25519.PublicKey{public(k.secret)}, k.public...)
	if k.next != nil {
		all = append(all, public(k.next))
	}
	return k.list(all)
}

func (k *Keys) path(name string) string { return filepath.Join(k.folder, name) }

func public(secret ed25519.PrivateKey) ed25519.PublicKey { return secret.Public().(ed25519.PublicKey) }

// make writes a new secret.
func (k *Keys) make(name string) (ed25519.PrivateKey, error) {
	_, secret, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	return secret, k.write(name, secret)
}

func (k *Keys) write(name string, secret ed25519.PrivateKey) error {
	der, err := x509.MarshalPKCS8PrivateKey(secret)
	if err != nil {
		return err
	}
	return replace(k.path(name), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600)
}

// list writes the public keys, each once, if they are not what is listed, and
// announces them if they are others. It is called before a new key signs.
func (k *Keys) list(all []ed25519.PublicKey) error {
	var each []ed25519.PublicKey
	for _, one := range all {
		if !slices.ContainsFunc(each, func(have ed25519.PublicKey) bool { return have.Equal(one) }) {
			each = append(each, one)
		}
	}
	if slices.EqualFunc(each, k.public, func(a, b ed25519.PublicKey) bool { return a.Equal(b) }) {
		return k.announce()
	}
	if err := replace(k.path(publicFile), encode(each...), 0o644); err != nil {
		return fmt.Errorf("command key: %w", err)
	}
	k.public = each
	return k.announce()
}

// PublicKeys returns what receivers should pin: the key in use, then one that
// will be, and older ones until Forget.
func (k *Keys) PublicKeys() []ed25519.PublicKey {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.public)
}

// PEM returns PublicKeys, one block after the other.
func (k *Keys) PEM() []byte { return encode(k.PublicKeys()...) }

// List describes the public keys.
func (k *Keys) List() []PublicKey {
	k.mu.Lock()
	defer k.mu.Unlock()
	out := make([]PublicKey, len(k.public))
	for i, one := range k.public {
		out[i] = PublicKey{ID: wire.KeyID(one), Current: i == 0, Next: k.next != nil && one.Equal(public(k.next)), PEM: string(encode(one))}
	}
	return out
}

// Prepare makes the key that Rotate will put to use, and lists its public half,
// so that receivers can be given it before. One that is prepared stays.
func (k *Keys) Prepare() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.prepare()
}

// prepare needs the lock.
func (k *Keys) prepare() (err error) {
	if k.next == nil {
		if len(k.public) >= wire.MaxKeys {
			return fmt.Errorf("command key: %d keys are listed, receivers take no more: forget old ones first", len(k.public))
		}
		if k.next, err = k.make(nextFile); err != nil {
			k.next = nil
			return fmt.Errorf("command key: %w", err)
		}
	}
	return k.list(append(slices.Clone(k.public), public(k.next)))
}

// Rotate signs with the prepared key, or else a new one, from now on. The old
// public key stays listed, so that what is under way is still believed, until
// Forget. Receivers that are connected have been told of the new key by then,
// by a list that the old one signed; others are told when they come.
func (k *Keys) Rotate() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.prepare(); err != nil {
		return err
	}
	if err := k.write(keyFile, k.next); err != nil {
		return fmt.Errorf("command key: %w", err)
	}
	k.secret, k.next = k.next, nil
	if err := os.Remove(k.path(nextFile)); err != nil {
		return fmt.Errorf("command key: %w", err)
	}
	return k.list(append([]ed25519.PublicKey{public(k.secret)}, k.public...))
}

// Forget takes an old public key off the list.
func (k *Keys) Forget(id string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if id == wire.KeyID(public(k.secret)) || k.next != nil && id == wire.KeyID(public(k.next)) {
		return fmt.Errorf("command key %s is in use, or will be: rotate first", id)
	}
	rest := slices.DeleteFunc(slices.Clone(k.public), func(one ed25519.PublicKey) bool { return wire.KeyID(one) == id })
	if len(rest) == len(k.public) {
		return fmt.Errorf("command key %s is not listed", id)
	}
	return k.list(rest)
}

// seal signs an order with the key in use.
func (k *Keys) seal(o wire.Order) (wire.Signed, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return wire.Seal(o, k.secret)
}

func encode(all ...ed25519.PublicKey) (out []byte) {
	for _, one := range all {
		der, err := x509.MarshalPKIXPublicKey(one)
		if err != nil {
			panic(err) // every Ed25519 key can be written
		}
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})...)
	}
	return out
}

func readPublic(path string) (all []ed25519.PublicKey, err error) {
	rest, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for err == nil {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return all, nil
		}
		var one any
		if one, err = x509.ParsePKIXPublicKey(block.Bytes); err == nil {
			key, ok := one.(ed25519.PublicKey)
			if !ok {
				return nil, fmt.Errorf("%s: want Ed25519 keys, not %T", path, one)
			}
			all = append(all, key)
		}
	}
	return nil, err
}

func readSecret(path string) (ed25519.PrivateKey, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%s can be read by others: want mode 0600", path)
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("%s is no PEM file", path)
	}
	one, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	key, ok := one.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("%s: want an Ed25519 key, not %T", path, one)
	}
	return key, nil
}

// replace writes a small file whole and durable, or leaves the old one.
func replace(path string, data []byte, mode fs.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".incoming-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // not there any more once it was moved
	_, err = f.Write(data)
	if err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
