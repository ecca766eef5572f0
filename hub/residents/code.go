package residents

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"unicode"

	"gridhub/hub/identity"
	"gridhub/hub/limit"
	"gridhub/hub/store"
	"gridhub/hub/tasks"
)

// A code is twelve digits, said in three groups of four: eleven that nobody can
// foresee, and one by which a slip of the tongue is noticed. One in a million
// guesses would find a report among a hundred thousand; a network has ten, and
// one more a minute.
const codeDigits = 12

// migrations of the feature "residents"; see store.Migrate. Of a code only the
// hash is kept.
var migrations = []string{`
CREATE TABLE residents_key (id INTEGER PRIMARY KEY, secret TEXT NOT NULL);
CREATE TABLE residents_codes (hash TEXT PRIMARY KEY, case_id TEXT NOT NULL, follows INTEGER NOT NULL, rated INTEGER NOT NULL, at INTEGER NOT NULL);
CREATE INDEX residents_codes_case ON residents_codes (case_id);
CREATE TABLE residents_photos (code TEXT NOT NULL, photo TEXT NOT NULL, PRIMARY KEY (code, photo))`}

// openKey reads the key from which codes follow, or makes it.
func (d *Desk) openKey(ctx context.Context) ([]byte, error) {
	var text string
	err := d.db.Write(ctx, func(tx *store.Tx) error {
		err := tx.QueryRow(ctx, `SELECT secret FROM residents_key WHERE id = 1`).Scan(&text)
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		text = rand.Text() + rand.Text()
		_, err = tx.Exec(ctx, `INSERT INTO residents_key (id, secret) VALUES (1, ?)`, text)
		return err
	})
	return []byte(text), err
}

// codeOf is the nth code of a report. It follows from the report's id, so that
// who repeats a report, having heard no answer, gets the same one.
func (d *Desk) codeOf(report string, nth int) string {
	mac := hmac.New(sha256.New, d.key)
	fmt.Fprintf(mac, "%s\x00%d", report, nth)
	digits := fmt.Sprintf("%0*d", codeDigits-1, binary.BigEndian.Uint64(mac.Sum(nil))%100_000_000_000)
	return digits + string('0'+checkDigit(digits))
}

// checkDigit is that of ISO/IEC 7812-1 annex B (Luhn): it finds every single
// wrong digit and nearly every swap of two neighbours.
func checkDigit(digits string) byte {
	sum := 0
	for i := range len(digits) {
		v := int(digits[len(digits)-1-i] - '0')
		if i%2 == 0 {
			if v *= 2; v > 9 {
				v -= 9
			}
		}
		sum += v
	}
	return byte((10 - sum%10) % 10)
}

// Spoken is a code as people say it: 4821 0937 5562.
func Spoken(code string) string { return code[:4] + " " + code[4:8] + " " + code[8:] }

// digitsOf reads a code as people type it: with spaces, hyphens, full-width
// digits. Empty: it is none.
func digitsOf(code string) string {
	var b strings.Builder
	for _, r := range code {
		switch {
		case r >= '0' && r <= '9':
			b.WriteRune(r)
		case r >= '０' && r <= '９':
			b.WriteRune(r - '０' + '0')
		case unicode.IsSpace(r) || r == '-' || r == '－':
		default:
			return ""
		}
	}
	digits := b.String()
	if len(digits) != codeDigits || digits[codeDigits-1] != '0'+checkDigit(digits[:codeDigits-1]) {
		return ""
	}
	return digits
}

func hash(code string) string {
	sum := sha256.Sum256([]byte(code))
	return hex.EncodeToString(sum[:])
}

// ticket is what a code stands for.
type ticket struct {
	hash    string
	of      identity.CaseID
	follows bool // somebody else reported it first
	rated   int  // 0: not yet; 1: in order; 2: not in order
}

// give writes a code down for a case and returns it. A report that was told
// before finds its code again.
func (d *Desk) give(ctx context.Context, report string, of identity.CaseID, follows bool) (code string, err error) {
	err = d.db.Write(ctx, func(tx *store.Tx) error {
		for nth := 0; ; nth++ {
			code = d.codeOf(report, nth)
			var known identity.CaseID
			err := tx.QueryRow(ctx, `SELECT case_id FROM residents_codes WHERE hash = ?`, hash(code)).Scan(&known)
			if err == nil && known != of {
				continue // two reports, one code: the later gets another
			}
			if !errors.Is(err, sql.ErrNoRows) {
				return err
			}
			_, err = tx.Exec(ctx, `INSERT INTO residents_codes (hash, case_id, follows, rated, at) VALUES (?, ?, ?, 0, ?)`,
				hash(code), string(of), flag(follows), int64(d.now()))
			return err
		}
	})
	return code, err
}

func flag(is bool) int {
	if is {
		return 1
	}
	return 0
}

// find looks a code up for a network. What was mistyped costs nothing; a code
// that could be one and is none uses up what a network may guess.
func (d *Desk) find(ctx context.Context, from netip.Prefix, code string, l *limit.Limiter) (ticket, error) {
	digits := digitsOf(code)
	if digits == "" {
		return ticket{}, refuse("code", "this is no code: want its twelve digits")
	}
	if wait, ok := d.limits.misses.Take(from); !ok {
		return ticket{}, &LimitedError{wait}
	}
	t := ticket{hash: hash(digits)}
	var follows int
	err := d.db.QueryRow(ctx, `SELECT case_id, follows, rated FROM residents_codes WHERE hash = ?`, t.hash).Scan(&t.of, &follows, &t.rated)
	if errors.Is(err, sql.ErrNoRows) {
		return ticket{}, tasks.ErrNotFound
	}
	d.limits.misses.Give(from)
	if err != nil {
		return ticket{}, err
	}
	t.follows = follows != 0
	if wait, ok := l.Take(peerOf(t.hash)); !ok {
		return ticket{}, &LimitedError{wait}
	}
	return t, nil
}

// peerOf lets a limiter count a code as it counts networks.
func peerOf(hash string) netip.Prefix {
	var a [16]byte
	_, _ = hex.Decode(a[:], []byte(hash[:32])) // it is hex: hash made it
	return netip.PrefixFrom(netip.AddrFrom16(a), 128)
}

// followers counts the codes of a case.
func (d *Desk) followers(ctx context.Context, of identity.CaseID) (n int, err error) {
	err = d.db.QueryRow(ctx, `SELECT COUNT(*) FROM residents_codes WHERE case_id = ?`, string(of)).Scan(&n)
	return n, err
}

// rate keeps what a code's holder thinks; false when that was said before.
func (d *Desk) rate(ctx context.Context, t ticket, rated int) (first bool, err error) {
	err = d.db.Write(ctx, func(tx *store.Tx) error {
		n, err := tx.Exec(ctx, `UPDATE residents_codes SET rated = ? WHERE hash = ? AND rated = 0`, rated, t.hash)
		first = n == 1
		return err
	})
	return first, err
}

// photos lists those that a code's holder added.
func (d *Desk) photos(ctx context.Context, t ticket) ([]string, error) {
	rows, err := d.db.Query(ctx, `SELECT photo FROM residents_photos WHERE code = ? ORDER BY photo`, t.hash)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := []string{}
	for rows.Next() {
		var hash string
		if err := rows.Scan(&hash); err != nil {
			return nil, err
		}
		out = append(out, hash)
	}
	return out, rows.Err()
}

func (d *Desk) addPhoto(ctx context.Context, t ticket, photo string) error {
	return d.db.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO residents_photos (code, photo) VALUES (?, ?) ON CONFLICT (code, photo) DO NOTHING`, t.hash, photo)
		return err
	})
}
