package people

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"database/sql"
	"encoding/base32"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"gridhub/hub/identity"
	"gridhub/hub/store"
)

const (
	secretBytes   = 20 // as long as the hash (RFC 4226, 4 R6)
	recoveryCodes = 10
	recoveryBytes = 10 // 80 bits: nobody tries them all, so their plain hash is kept
)

var letters = base32.StdEncoding.WithPadding(base32.NoPadding)

// Factor is a second factor that waits to be confirmed with its first code.
type Factor struct {
	Secret string `json:"secret" doc:"to be typed, where a code cannot be scanned"`
	URI    string `json:"uri" doc:"for an authenticator app"`
}

// BeginSecondFactor makes a secret for an account. It counts from the moment
// when its first code was shown; an account that has one keeps it until then.
func (a *Accounts) BeginSecondFactor(ctx context.Context, account, issuer string) (Factor, error) {
	secret := make([]byte, secretBytes)
	_, _ = rand.Read(secret) // never fails (crypto/rand since Go 1.24)
	sealed, err := a.seal(account, secret)
	if err != nil {
		return Factor{}, err
	}
	err = a.db.Write(ctx, func(tx *store.Tx) error {
		n, err := tx.Exec(ctx, `INSERT INTO second_factors (account, secret, confirmed, step) VALUES (?, ?, 0, 0)
			ON CONFLICT (account) DO UPDATE SET secret = excluded.secret, step = 0 WHERE second_factors.confirmed = 0`, account, sealed)
		if err != nil || n == 0 {
			return errors.Join(err, fmt.Errorf("%w: the account has a second factor already", ErrInvalid))
		}
		return nil
	})
	text := letters.EncodeToString(secret)
	uri := url.URL{Scheme: "otpauth", Host: "totp", Path: "/" + issuer + ":" + account,
		RawQuery: url.Values{"secret": {text}, "issuer": {issuer}, "digits": {fmt.Sprint(codeDigits)}}.Encode()}
	return Factor{Secret: text, URI: uri.String()}, err
}

// ConfirmSecondFactor takes the first code and returns the recovery codes, which
// are shown this once.
func (a *Accounts) ConfirmSecondFactor(ctx context.Context, account, code string) ([]string, error) {
	codes := make([]string, recoveryCodes)
	err := a.coded(account, func() error {
		return a.db.Write(ctx, func(tx *store.Tx) error {
			if err := a.take(ctx, tx, account, code, 0); err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, `UPDATE second_factors SET confirmed = 1 WHERE account = ?`, account); err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, `DELETE FROM recovery_codes WHERE account = ?`, account); err != nil {
				return err
			}
			for i := range codes {
				codes[i] = recovery()
				if _, err := tx.Exec(ctx, `INSERT INTO recovery_codes (account, hash) VALUES (?, ?)`, account, digest(plain(codes[i]))); err != nil {
					return err
				}
			}
			return nil
		})
	})
	a.forget()
	return codes, err
}

// recovery is one code as people write it down: ABCD-EFGH-IJKL-MNOP.
func recovery() string {
	b := make([]byte, recoveryBytes)
	_, _ = rand.Read(b) // never fails (crypto/rand since Go 1.24)
	s := letters.EncodeToString(b)
	return s[:4] + "-" + s[4:8] + "-" + s[8:12] + "-" + s[12:]
}

func plain(code string) string {
	return strings.ToUpper(strings.NewReplacer("-", "", " ", "").Replace(code))
}

// RemoveSecondFactor takes the second factor away from an account, and its
// recovery codes; its sessions end, as whoever needs it reset may have lost more.
func (a *Accounts) RemoveSecondFactor(ctx context.Context, account string) error {
	err := a.db.Write(ctx, func(tx *store.Tx) error {
		for _, from := range []string{"second_factors", "recovery_codes", "sessions"} {
			if _, err := tx.Exec(ctx, `DELETE FROM `+from+` WHERE account = ?`, account); err != nil {
				return err
			}
		}
		return nil
	})
	a.forget()
	return err
}

// Prove wants a code of an account's second factor, or a recovery code; nothing
// of an account that has none. Errors: ErrSecondFactor when it was not given,
// ErrCode, ErrLocked.
func (a *Accounts) Prove(ctx context.Context, account, code string) error {
	has, err := a.hasSecond(ctx, account)
	switch {
	case err != nil || !has:
		return err
	case code == "":
		return ErrSecondFactor
	}
	return a.coded(account, func() error {
		return a.db.Write(ctx, func(tx *store.Tx) error {
			if len(plain(code)) == codeDigits {
				return a.take(ctx, tx, account, plain(code), 1)
			}
			n, err := tx.Exec(ctx, `DELETE FROM recovery_codes WHERE account = ? AND hash = ?`, account, digest(plain(code)))
			if err != nil || n == 0 {
				return errors.Join(err, ErrCode)
			}
			return nil
		})
	})
}

// coded lets an account try a few codes only, wherever they come from: who gets
// so far has shown the password.
func (a *Accounts) coded(account string, try func() error) error {
	key := [2]string{account, "code"}
	if a.locked(key) {
		return ErrLocked
	}
	err := try()
	switch {
	case errors.Is(err, ErrCode):
		a.failed(key)
	case err == nil:
		a.mu.Lock()
		delete(a.failures, key)
		a.mu.Unlock()
	}
	return err
}

// take uses a code up: its step, and all before it, are good no more.
func (a *Accounts) take(ctx context.Context, tx *store.Tx, account, code string, confirmed int) error {
	var sealed string
	var used int64
	err := tx.QueryRow(ctx, `SELECT secret, step FROM second_factors WHERE account = ? AND confirmed = ?`, account, confirmed).Scan(&sealed, &used)
	if errors.Is(err, sql.ErrNoRows) {
		return ErrCode
	}
	if err != nil {
		return err
	}
	secret, err := a.unseal(account, sealed)
	if err != nil {
		return err
	}
	step := stepOf(secret, code, a.now(), used)
	if step == 0 {
		return ErrCode
	}
	_, err = tx.Exec(ctx, `UPDATE second_factors SET step = ? WHERE account = ?`, step, account)
	return err
}

func (a *Accounts) hasSecond(ctx context.Context, account string) (bool, error) {
	var n int
	err := a.db.QueryRow(ctx, `SELECT COUNT(*) FROM second_factors WHERE account = ? AND confirmed = 1`, account).Scan(&n)
	return n > 0, err
}

// NeedsSecondFactor reports whether the rules want one of an account.
func (a *Accounts) NeedsSecondFactor(p identity.Principal) bool {
	return p.Has(a.rules.SecondFactor...)
}

// unproven reports whether a session lacks a second factor that the rules want.
// Who came by an identity provider has shown there what that wants.
func (a *Accounts) unproven(ctx context.Context, p identity.Principal, via string) (bool, error) {
	if via != "password" || !a.NeedsSecondFactor(p) {
		return false, nil
	}
	has, err := a.hasSecond(ctx, p.Account)
	return !has, err
}

// seal closes a secret with the accounts' key (AES-256-GCM, RFC 5116), bound to
// the account, so that a row copied to another account opens nothing.
func (a *Accounts) seal(account string, secret []byte) (string, error) {
	box, err := a.box()
	if err != nil {
		return "", err
	}
	nonce := make([]byte, box.NonceSize())
	_, _ = rand.Read(nonce) // never fails (crypto/rand since Go 1.24)
	return base64.RawStdEncoding.EncodeToString(slices.Concat(nonce, box.Seal(nil, nonce, secret, []byte(account)))), nil
}

func (a *Accounts) unseal(account, sealed string) ([]byte, error) {
	box, err := a.box()
	if err != nil {
		return nil, err
	}
	b, err := base64.RawStdEncoding.DecodeString(sealed)
	if err != nil || len(b) < box.NonceSize() {
		return nil, errors.New("a stored second factor cannot be read")
	}
	return box.Open(nil, b[:box.NonceSize()], b[box.NonceSize():], []byte(account))
}

func (a *Accounts) box() (cipher.AEAD, error) {
	if a.rules.Key == nil {
		return nil, ErrNoKey
	}
	block, err := aes.NewCipher(a.rules.Key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}
