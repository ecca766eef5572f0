package enrol

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"gridhub/devices"
	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
	"gridhub/streams/journal/fsx"
)

// Names of the files of an identity.
const (
	keyFile     = "client.key"       // ECDSA P-256, mode 0600
	certFile    = "client.crt"       // written last: a folder that has it is whole
	caFile      = "ca.crt"           // the only authority that may sign the hub's certificate
	commandFile = "command-keys.pem" // whose orders count; missing: nobody's
	factsFile   = "hub.json"
)

// Folder is where a gateway's identity lies: <data>/identity. The next one is
// made ready beside it and takes its place whole, so that a crash at any
// instant leaves the old or the new one. Several goroutines and programs may
// use it at once: changes wait for one another.
type Folder struct {
	data string
	step func(string) error // called before each change of the disk; for tests that crash there
}

// In returns the folder below a gateway's data folder. Nothing need be there.
func In(data string) Folder {
	return Folder{data: data, step: func(string) error { return nil }}
}

func (f Folder) path(name string) string { return filepath.Join(f.data, "identity", name) }
func (f Folder) next(name string) string { return filepath.Join(f.data, "identity.next", name) }
func (f Folder) old() string             { return filepath.Join(f.data, "identity.old") }

// facts are what a gateway has to know of its hub besides certificates.
type facts struct {
	ID       devices.ID       `json:"id"`
	Hub      string           `json:"hub"`      // https://host:port, where it was enrolled and is renewed
	MQTT     string           `json:"mqtt"`     // ssl://host:port; empty: the hub did not say
	Enrolled telemetry.Millis `json:"enrolled"` // by the hub's clock
}

// Identity is what an enrolled gateway holds.
type Identity struct {
	ID   devices.ID
	Hub  string // https://host:port
	MQTT string // ssl://host:port, or empty

	pair tls.Certificate
	ca   *x509.Certificate
}

// Load reads the identity, after bringing a change to its end that a crash
// interrupted. The error wraps fs.ErrNotExist where nothing was enrolled.
func (f Folder) Load() (*Identity, error) {
	if !f.ready() {
		held, err := f.read()
		if err == nil || f.empty() {
			return held, err
		}
	}
	release, err := f.lock() // somebody changes it, or crashed at that, or it is broken
	if err != nil {
		return nil, fmt.Errorf("identity: %w", err)
	}
	defer release()
	if err := f.finish(); err != nil {
		return nil, fmt.Errorf("identity: %w", err)
	}
	return f.read()
}

// empty reports whether nothing was enrolled here.
func (f Folder) empty() bool {
	for _, path := range []string{f.path(""), f.old(), f.next(certFile)} {
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			return false
		}
	}
	return true
}

// read takes all files from one folder, even if another takes its place
// meanwhile.
func (f Folder) read() (*Identity, error) {
	root, err := os.OpenRoot(f.path(""))
	if err != nil {
		return nil, fmt.Errorf("identity: %w", err)
	}
	defer root.Close()
	texts := map[string][]byte{}
	for _, name := range []string{certFile, keyFile, caFile, factsFile} {
		if texts[name], err = root.ReadFile(name); err != nil {
			return nil, fmt.Errorf("identity: %w", err)
		}
	}
	pair, err := tls.X509KeyPair(texts[certFile], texts[keyFile])
	if err != nil {
		return nil, fmt.Errorf("identity: %s: %w", certFile, err)
	}
	ca, err := parseCertificate(string(texts[caFile]))
	if err != nil {
		return nil, fmt.Errorf("identity: %s: %w", caFile, err)
	}
	var known facts
	if err := json.Unmarshal(texts[factsFile], &known); err != nil {
		return nil, fmt.Errorf("identity: %s: %w", factsFile, err)
	}
	return &Identity{ID: known.ID, Hub: known.Hub, MQTT: known.MQTT, pair: pair, ca: ca}, nil
}

func parseCertificate(text string) (*x509.Certificate, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, errors.New("want a certificate in PEM form (-----BEGIN CERTIFICATE-----)")
	}
	return x509.ParseCertificate(block.Bytes)
}

// pending returns the key of the identity that is being made: the one of an
// earlier attempt, so that the hub gives the same certificate again, else a new
// one, which is on the disk before anybody hears of it. The caller holds the
// lock.
func (f Folder) pending() (*ecdsa.PrivateKey, error) {
	if text, err := os.ReadFile(f.next(keyFile)); err == nil {
		if key, err := parseKey(text); err == nil {
			return key, nil
		} // half written: nobody has heard of it
	}
	if err := errors.Join(os.MkdirAll(f.next(""), 0o700), f.hand(f.next(""))); err != nil {
		return nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return key, f.write(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600)
}

func parseKey(text []byte) (*ecdsa.PrivateKey, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("no key in PEM form")
	}
	any, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	key, ok := any.(*ecdsa.PrivateKey)
	if !ok {
		return nil, errors.New("no ECDSA key")
	}
	return key, nil
}

// keep writes what the hub answered beside the pending key, and makes it the
// identity. The caller holds the lock.
func (f Folder) keep(hub string, id wire.Identity) error {
	known, err := json.MarshalIndent(facts{ID: id.ID, Hub: hub, MQTT: id.MQTT, Enrolled: id.Now}, "", "  ")
	if err != nil {
		return err
	}
	files := []struct{ name, text string }{{caFile, id.CA}, {factsFile, string(known) + "\n"}, {commandFile, wire.KeyText(id.KeysSerial, id.CommandKeys)}, {certFile, id.Certificate}}
	for _, file := range files {
		if file.text == "" {
			err = os.Remove(f.next(file.name)) // of an attempt that was given up
			if err == nil || errors.Is(err, fs.ErrNotExist) {
				continue
			}
		} else {
			err = f.write(file.name, []byte(file.text), 0o644)
		}
		if err != nil {
			return err
		}
	}
	return f.finish()
}

// CommandKeys returns the file of the keys whose orders count, and whether there
// is an identity here. The file need not be there.
func (f Folder) CommandKeys() (path string, enrolled bool) {
	_, err := os.Stat(f.path(""))
	return f.path(commandFile), err == nil
}

// KeepCommandKeys makes text the content of CommandKeys, durably, if replaces
// says so of what is there then. enrolled is false, and nothing is done, where
// no gateway is.
func (f Folder) KeepCommandKeys(text string, replaces func(path string) bool) (enrolled bool, err error) {
	release, err := f.lock()
	if err != nil {
		return false, fmt.Errorf("identity: %w", err)
	}
	defer release()
	path, enrolled := f.CommandKeys()
	if !enrolled || !replaces(path) {
		return enrolled, nil
	}
	return true, fsx.Replace(path, []byte(text))
}

// lock waits until nobody else, in this process or another, changes the
// identity, and keeps it so until release is called.
func (f Folder) lock() (release func(), err error) {
	d, err := os.Open(f.data)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(d.Fd()), syscall.LOCK_EX); err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", f.data, err), d.Close())
	}
	return func() { _ = d.Close() }, nil // which ends the lock too
}

// ready reports whether the next identity is whole.
func (f Folder) ready() bool {
	_, err := os.Stat(f.next(certFile))
	return err == nil
}

// finish makes the next identity the present one, if it is whole. It may be
// interrupted and called again. The caller holds the lock.
func (f Folder) finish() error {
	if !f.ready() {
		return nil
	}
	now, next, old := f.path(""), f.next(""), f.old()
	for _, change := range []struct {
		name string
		do   func() error
	}{
		{"forget", func() error { return os.RemoveAll(old) }},
		{"leave", func() error { return os.Rename(now, old) }},
		{"arrive", func() error { return os.Rename(next, now) }},
		{"settle", func() error { return syncFolder(f.data) }},
		{"clear", func() error { return os.RemoveAll(old) }},
	} {
		if err := f.step(change.name); err != nil {
			return err
		}
		if err := change.do(); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// write puts a file into the next identity: whole, on the disk, or not at all.
func (f Folder) write(name string, text []byte, mode fs.FileMode) error {
	if err := f.step("write " + name); err != nil {
		return err
	}
	path := f.next(name)
	file, err := os.OpenFile(path+".new", os.O_CREATE|os.O_WRONLY|os.O_TRUNC, mode)
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close(), f.hand(path+".new")); err != nil {
		return err
	}
	if err := f.step("place " + name); err != nil {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

// hand gives what root has made to whom the data folder belongs: a gateway that
// was enrolled with sudo runs as a user of its own.
func (f Folder) hand(path string) error {
	info, err := os.Stat(f.data)
	if err != nil {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok || os.Geteuid() != 0 || owner.Uid == 0 {
		return nil
	}
	return os.Chown(path, int(owner.Uid), int(owner.Gid))
}

func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
