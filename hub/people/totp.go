package people

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/binary"
	"fmt"
	"time"
)

// The parameters that every authenticator app knows (RFC 6238, 4 and 5.2).
const (
	codeEvery  = 30 * time.Second
	codeDigits = 6
	codeSlack  = 1 // steps that a phone's clock may be off, either way
)

// hotp is HOTP with SHA-1 (RFC 4226, 5.3): the last digits of a truncated HMAC
// of the counter.
func hotp(secret []byte, counter uint64, digits int) string {
	mac := hmac.New(sha1.New, secret)
	_ = binary.Write(mac, binary.BigEndian, counter) // a hash never fails
	sum := mac.Sum(nil)
	at := sum[len(sum)-1] & 0xf
	n := binary.BigEndian.Uint32(sum[at:]) & 0x7fffffff
	modulus := uint32(1)
	for range digits {
		modulus *= 10
	}
	return fmt.Sprintf("%0*d", digits, n%modulus)
}

// stepAt is the time step of TOTP (RFC 6238, 4.2).
func stepAt(t time.Time) int64 { return t.Unix() / int64(codeEvery/time.Second) }

// stepOf finds the step whose code it is: after the newest one that was used,
// and as near to now as phones' clocks are right. 0: of none.
func stepOf(secret []byte, code string, now time.Time, used int64) int64 {
	var found int64
	for step := stepAt(now) - codeSlack; step <= stepAt(now)+codeSlack; step++ {
		same := subtle.ConstantTimeCompare([]byte(hotp(secret, uint64(step), codeDigits)), []byte(code))
		if same == 1 && step > used {
			found = step
		}
	}
	return found
}
