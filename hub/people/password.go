package people

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// Cost of argon2id: 19 MiB, two passes, one lane (OWASP Password Storage Cheat
// Sheet, 2024). At most hashing at once, so that a flood of sign-ins costs
// bounded memory and leaves a core to the broker.
const (
	memoryKiB = 19 * 1024
	passes    = 2
	lanes     = 1
	keyBytes  = 32
	hashing   = 2
)

// MinPassword is the shortest password that is accepted, in characters.
const MinPassword = 12

var turns = make(chan struct{}, hashing)

// hashPassword returns salt and hash in the PHC string format.
func hashPassword(password string) string {
	salt := make([]byte, 16)
	_, _ = rand.Read(salt) // never fails (crypto/rand since Go 1.24)
	return fmt.Sprintf("$argon2id$v=19$m=%d,t=%d,p=%d$%s$%s", memoryKiB, passes, lanes,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(derive(password, salt)))
}

func derive(password string, salt []byte) []byte {
	turns <- struct{}{}
	defer func() { <-turns }()
	return argon2.IDKey([]byte(password), salt, passes, memoryKiB, lanes, keyBytes)
}

// matches compares in constant time. A stored string that cannot be read never
// matches.
func matches(stored, password string) bool {
	parts := strings.Split(stored, "$")
	if len(parts) != 6 {
		return false
	}
	salt, err1 := base64.RawStdEncoding.DecodeString(parts[4])
	want, err2 := base64.RawStdEncoding.DecodeString(parts[5])
	if err1 != nil || err2 != nil {
		return false
	}
	return subtle.ConstantTimeCompare(want, derive(password, salt)) == 1
}

// strong refuses what is too short or known from leaks. There is no rule about
// kinds of characters: length is what helps.
func strong(account, password string) error {
	low := strings.ToLower(password)
	if len([]rune(password)) < MinPassword || leaked[low] || strings.Trim(low, low[:1]) == "" || strings.Contains(low, strings.ToLower(account)) && len(low) < len(account)+8 {
		return ErrWeakPassword
	}
	return nil
}

// leaked are passwords of at least MinPassword characters that head the
// published lists of leaked ones.
var leaked = map[string]bool{
	"123456789012": true, "1234567890123": true, "123456789123": true, "111111111111": true, "password1234": true,
	"passwordpassword": true, "qwertyuiop123": true, "qwertyuiop[]": true, "1q2w3e4r5t6y": true, "1qaz2wsx3edc": true,
	"administrator": true, "letmein12345": true, "iloveyou1234": true, "abcdefghijkl": true, "000000000000": true,
	"woaini123456": true, "woaini1314520": true, "a1234567890": true, "1234qwerasdf": true, "zaq12wsxcde3": true,
	"qwerty123456": true, "password12345": true, "admin1234567": true, "welcome12345": true, "changeme1234": true,
}
