package wire

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"gridhub/devices/telemetry"
)

// KeyList says which public keys sign orders, all of them; the receiver holds
// no others from then on. It travels as the signed bytes of a Signed, on
// down/keys.
type KeyList struct {
	V      int              `json:"v"`
	Serial uint64           `json:"serial"`       // grows with each list of one hub
	Keys   string           `json:"command_keys"` // PEM (PUBLIC KEY, Ed25519), one after the other
	Now    telemetry.Millis `json:"now"`          // the hub's clock when the list was made
}

// KeyContext precedes a list's bytes in what is signed, as Context does an
// order's.
const KeyContext = "gridhub keys 1\n"

// MaxKeys bounds the keys of one list, and the lists that a hub repeats.
const MaxKeys = 16

// ErrKeyList means that a list was signed as it should be and is none.
var ErrKeyList = errors.New("no list of command keys of this version")

// SealKeys signs a list with a key of the list before it.
func SealKeys(l KeyList, key ed25519.PrivateKey) (Signed, error) {
	body, err := json.Marshal(l)
	if err != nil {
		return Signed{}, fmt.Errorf("command keys: %w", err)
	}
	return Signed{V: Version, Key: KeyID(key.Public().(ed25519.PublicKey)), Order: body,
		Signature: ed25519.Sign(key, append([]byte(KeyContext), body...))}, nil
}

// OpenKeys verifies s against the pinned keys and reads its list, which has 1 to
// MaxKeys keys. Whether it is newer than what the caller holds is the caller's
// to ask.
func (s Signed) OpenKeys(pinned ...ed25519.PublicKey) (l KeyList, err error) {
	if err := s.verify(KeyContext, pinned); err != nil {
		return l, err
	}
	if err := json.Unmarshal(s.Order, &l); err != nil || l.V != Version || l.Serial == 0 {
		return KeyList{}, ErrKeyList
	}
	if _, err := ParseKeys([]byte(l.Keys)); err != nil {
		return KeyList{}, ErrKeyList
	}
	return l, nil
}

// KeyFile is what a file of public keys says.
type KeyFile struct {
	Serial uint64 // of the hub's list; 0: it had announced none, or somebody wrote the file
	Keys   []ed25519.PublicKey
}

const serialLine = "gridhub command keys, list "

// KeyText is a KeyFile as text: the keys as PEM, behind the serial of their list.
func KeyText(serial uint64, keys string) string {
	if serial == 0 || keys == "" {
		return keys
	}
	return serialLine + strconv.FormatUint(serial, 10) + "\n" + keys
}

// ParseKeys reads a KeyText of 1 to MaxKeys blocks PUBLIC KEY, each of an Ed25519
// key (RFC 8410). What else stands between them is passed over.
func ParseKeys(text []byte) (f KeyFile, err error) {
	if rest, ok := strings.CutPrefix(string(text), serialLine); ok {
		number, _, _ := strings.Cut(rest, "\n")
		if f.Serial, err = strconv.ParseUint(number, 10, 64); err != nil {
			return KeyFile{}, fmt.Errorf("list %q: want a number", number)
		}
	}
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "PUBLIC KEY" {
			return KeyFile{}, fmt.Errorf("holds a %s, want blocks PUBLIC KEY alone", block.Type)
		}
		parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
		key, ok := parsed.(ed25519.PublicKey)
		if err != nil || !ok {
			return KeyFile{}, errors.New("holds a key that is not Ed25519")
		}
		f.Keys = append(f.Keys, key)
	}
	if len(f.Keys) == 0 || len(f.Keys) > MaxKeys {
		return KeyFile{}, fmt.Errorf("holds %d keys, want 1 to %d", len(f.Keys), MaxKeys)
	}
	return f, nil
}
