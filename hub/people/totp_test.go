package people

import (
	"testing"
	"time"
)

var rfcSecret = []byte("12345678901234567890")

// The vectors of RFC 4226, appendix D, and RFC 6238, appendix B.
func TestCodesOfTheStandard(t *testing.T) {
	for counter, want := range []string{"755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"} {
		if got := hotp(rfcSecret, uint64(counter), 6); got != want {
			t.Errorf("counter %d: %s, want %s", counter, got, want)
		}
	}
	for at, want := range map[int64]string{59: "94287082", 1111111109: "07081804", 1111111111: "14050471",
		1234567890: "89005924", 2000000000: "69279037", 20000000000: "65353130"} {
		if got := hotp(rfcSecret, uint64(stepAt(time.Unix(at, 0))), 8); got != want {
			t.Errorf("at %d: %s, want %s", at, got, want)
		}
	}
}

func TestAPhonesClockMayBeOffByOneStep(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	for off, want := range map[int64]bool{-2: false, -1: true, 0: true, 1: true, 2: false} {
		code := hotp(rfcSecret, uint64(stepAt(now)+off), codeDigits)
		if got := stepOf(rfcSecret, code, now, 0); (got == stepAt(now)+off) != want {
			t.Errorf("off by %d: step %d", off, got)
		}
	}
	code := hotp(rfcSecret, uint64(stepAt(now)), codeDigits)
	if stepOf(rfcSecret, code, now, stepAt(now)) != 0 || stepOf(rfcSecret, code, now, stepAt(now)+1) != 0 {
		t.Error("a step that was used, or one before it, is good again")
	}
}

// CodeAt is what an authenticator app shows: for the tests of other files.
func CodeAt(secret string, t time.Time) string {
	b, err := letters.DecodeString(secret)
	if err != nil {
		panic(err)
	}
	return hotp(b, uint64(stepAt(t)), codeDigits)
}
