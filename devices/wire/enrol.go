package wire

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"gridhub/devices"
	"gridhub/devices/telemetry"
)

// Paths of the enrolment at a hub, over HTTPS.
const (
	EnrolPath = "/api/v1/enrol"       // a code for a certificate
	RenewPath = "/api/v1/enrol/renew" // a certificate for the next one
)

// Invitation is what a hub hands to an installer, on paper or as a QR: where
// the hub is, by what it is recognised, and the one-time code.
type Invitation struct {
	Hub  string     // https://host:port
	ID   devices.ID // whom the code is for
	Code string
	CA   string // SHA-256 of the authority's certificate (DER), 64 hexadecimal digits
}

// invited begins the text of every Invitation.
const invited = "gridhub:"

// maxInvitation bounds the text, in bytes; a QR for a terminal holds no more.
const maxInvitation = 512

// String is the text of the QR.
func (i Invitation) String() string {
	return invited + i.Hub + "?" + url.Values{"id": {string(i.ID)}, "code": {i.Code}, "ca": {i.CA}}.Encode()
}

// ParseInvitation reads what String writes; keys that it does not know are
// left alone.
func ParseInvitation(text string) (i Invitation, err error) {
	text = strings.TrimSpace(text)
	rest, ok := strings.CutPrefix(text, invited)
	if !ok || len(text) > maxInvitation {
		return i, fmt.Errorf("an invitation begins with %s and has at most %d characters", invited, maxInvitation)
	}
	address, query, _ := strings.Cut(rest, "?")
	keys, err := url.ParseQuery(query)
	if err != nil {
		return i, fmt.Errorf("invitation: %w", err)
	}
	i.Code = keys.Get("code")
	var errs [3]error
	i.Hub, errs[0] = ParseHub(address)
	i.ID, errs[1] = devices.ParseID(keys.Get("id"))
	i.CA, errs[2] = ParseFingerprint(keys.Get("ca"))
	if err := errors.Join(errs[:]...); err != nil {
		return Invitation{}, fmt.Errorf("invitation: %w", err)
	}
	if i.Code == "" {
		return Invitation{}, errors.New("invitation: it has no code")
	}
	return i, nil
}

// ParseHub checks the address of a hub: https://host or https://host:port.
func ParseHub(address string) (string, error) {
	u, err := url.Parse(strings.TrimSuffix(address, "/"))
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.Path != "" || u.RawQuery != "" || u.Fragment != "" {
		return "", fmt.Errorf("hub %q: want https://host:port", address)
	}
	return u.String(), nil
}

// ParseFingerprint reads a SHA-256 in hexadecimal, in either case, with or
// without the colons that openssl writes.
func ParseFingerprint(text string) (string, error) {
	s := strings.ToLower(strings.NewReplacer(":", "", " ", "").Replace(text))
	if b, err := hex.DecodeString(s); err != nil || len(b) != 32 {
		return "", fmt.Errorf("fingerprint %q: want the SHA-256 of the hub's authority, 64 hexadecimal digits", text)
	}
	return s, nil
}

// Enrolment is the body of EnrolPath; without a code, of RenewPath.
type Enrolment struct {
	V    int    `json:"v"`
	Code string `json:"code,omitempty"`
	CSR  string `json:"csr"` // PEM: an ECDSA P-256 key, signed by itself, its common name the identity
}

// Identity is the answer to both: all that a client needs to be who it is.
type Identity struct {
	V           int              `json:"v"`
	ID          devices.ID       `json:"id"`
	Certificate string           `json:"certificate"`            // PEM
	CA          string           `json:"ca"`                     // PEM of the authority that signs the hub's certificate and this one
	CommandKeys string           `json:"command_keys,omitempty"` // PEM (PUBLIC KEY, Ed25519), one after the other: whose orders count
	KeysSerial  uint64           `json:"keys_serial,omitempty"`  // of these keys, if the hub has ever announced a list (KeyList)
	MQTT        string           `json:"mqtt,omitempty"`         // ssl://host:port
	Expires     telemetry.Millis `json:"expires"`                // the certificate's end
	Now         telemetry.Millis `json:"now"`                    // the hub's clock
}
