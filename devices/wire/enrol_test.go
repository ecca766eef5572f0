package wire

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"regexp"
	"strings"
	"testing"
)

const print64 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

func TestInvitations(t *testing.T) {
	want := Invitation{Hub: "https://hub.street:8443", ID: "gw-cabinet-3", Code: "7K3M-0QPV-XW8T-2RZC", CA: print64}
	got, err := ParseInvitation(" " + want.String() + "\n")
	if err != nil || got != want {
		t.Errorf("%s is read as %+v, %v", want, got, err)
	}
	good := want.String()
	for name, bad := range map[string]string{
		"no prefix":       strings.TrimPrefix(good, "gridhub:"),
		"plain HTTP":      strings.Replace(good, "https:", "http:", 1),
		"a user":          strings.Replace(good, "//hub", "//me@hub", 1),
		"a path":          strings.Replace(good, "?", "/x?", 1),
		"no code":         strings.Replace(good, "code=", "x=", 1),
		"no id":           strings.Replace(good, "id=", "x=", 1),
		"short authority": strings.Replace(good, print64, print64[2:], 1),
		"long":            good + strings.Repeat("&x=y", 200),
	} {
		if i, err := ParseInvitation(bad); err == nil {
			t.Errorf("%s: %s is read as %+v", name, bad, i)
		}
	}
	colons := strings.ToUpper(print64[:2] + ":" + print64[2:])
	if got, err := ParseFingerprint(colons); err != nil || got != print64 {
		t.Errorf("%s is read as %s, %v", colons, got, err)
	}
}

// The invitation of PROTOCOL.md is one, and pins the authority of the answer
// that follows it.
func TestTheExampleIsAnInvitation(t *testing.T) {
	i, err := ParseInvitation(regexp.MustCompile("(?m)^gridhub:.*$").FindString(string(mustRead(t, "PROTOCOL.md"))))
	if err != nil {
		t.Fatal(err)
	}
	var asked Enrolment
	var got Identity
	if err := errors.Join(json.Unmarshal(mustRead(t, "testdata/enrolment.json"), &asked), json.Unmarshal(mustRead(t, "testdata/identity.json"), &got)); err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode([]byte(got.CA))
	sum := sha256.Sum256(block.Bytes)
	if i.CA != hex.EncodeToString(sum[:]) || i.ID != got.ID || i.Code != asked.Code {
		t.Errorf("%+v does not fit the examples", i)
	}
}

// FuzzInvitation holds that what is read can be written and read again.
func FuzzInvitation(f *testing.F) {
	f.Add("gridhub:https://hub.street:8443?ca=" + print64 + "&code=7K3M-0QPV-XW8T-2RZC&id=gw-cabinet-3")
	f.Add("gridhub:https://[::1]:8443/?id=a&code=%20&ca=" + print64 + "&more=1")
	f.Add("gridhub:https://h%41?%zz")
	f.Fuzz(func(t *testing.T, text string) {
		i, err := ParseInvitation(text)
		if err != nil {
			return
		}
		back, err := ParseInvitation(i.String())
		if err != nil && len(i.String()) <= maxInvitation || err == nil && back != i {
			t.Errorf("%q is %+v, again %+v, %v", text, i, back, err)
		}
	})
}
