package relay

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/pion/stun/v4"
	"github.com/pion/turn/v5"
)

// Credentials admit one identity to the relay until they expire. What was
// begun with them goes on: a call may last longer.
type Credentials struct {
	Username string
	Password string
	Expires  time.Time
}

// longest is for how long after their end credentials still keep alive what
// was begun with them.
const longest = 12 * time.Hour

// Credentials makes new ones for identity. They need no store: the name tells
// the end and the identity, the password proves that the relay made it. A
// restart ends them all.
func (r *Relay) Credentials(identity string) Credentials {
	ends := r.now().Add(r.config.Valid)
	name := strconv.FormatInt(ends.Unix(), 10) + ":" + identity
	return Credentials{Username: name, Password: r.password(name), Expires: ends}
}

func (r *Relay) password(username string) string {
	h := hmac.New(sha256.New, r.secret)
	h.Write([]byte(username))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

// authenticate is asked for every request but the first of a client, which has
// no name yet. It returns the key that the request must be signed with.
func (r *Relay) authenticate(q *turn.RequestAttributes) (identity string, key []byte, ok bool) {
	end, identity, _ := strings.Cut(q.Username, ":")
	seconds, err := strconv.ParseInt(end, 10, 64)
	left := time.Unix(seconds, 0).Sub(r.now())
	switch {
	case err == nil && identity != "" && left > 0 && left <= r.config.Valid:
	case err == nil && identity != "" && q.Method != stun.MethodAllocate && left > -longest && left <= 0 && r.holds(identity):
	default:
		r.refused(Refusal{Cause: "credentials", Identity: identity, Client: q.SrcAddr.String()})
		return "", nil, false
	}
	return identity, turn.GenerateAuthKey(q.Username, q.Realm, r.password(q.Username)), true
}

func (r *Relay) holds(identity string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.held[identity] > 0
}

// hasRoom refuses with 486 who holds enough; take refuses who overtook it.
func (r *Relay) hasRoom(identity, _ string, client net.Addr) bool {
	r.mu.Lock()
	ok := r.held[identity] < r.config.MaxPerIdentity && r.all < r.config.MaxAllocations
	r.mu.Unlock()
	if !ok {
		r.refused(Refusal{Cause: "quota", Identity: identity, Client: client.String()})
	}
	return ok
}

// take counts an allocation, if there is room for it.
func (r *Relay) take(identity string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.held[identity] >= r.config.MaxPerIdentity || r.all >= r.config.MaxAllocations {
		return false
	}
	r.held[identity]++
	r.all++
	return true
}

func (r *Relay) give(identity string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all--
	if r.held[identity]--; r.held[identity] == 0 {
		delete(r.held, identity)
	}
}

// Held is how many allocations there are now.
func (r *Relay) Held() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.all
}
