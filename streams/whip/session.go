package whip

import (
	"errors"
	"io"
	"net/http"
	"strings"
)

// Session answers requests about a session that is open: PATCH restarts ICE (RFC
// 9725, 4.3.3), DELETE ends it. name is the session's part of the path.
func (s *Service) Session(name func(*http.Request) string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ses := s.find(name(r))
		if ses == nil {
			http.Error(w, "no such session", http.StatusNotFound)
			return
		}
		switch r.Method {
		case http.MethodDelete:
			s.end(ses, "the client left")
			w.WriteHeader(http.StatusOK)
		case http.MethodPatch:
			ses.patch(w, r)
		default:
			w.Header().Set("Allow", "PATCH, DELETE")
			http.Error(w, "PATCH or DELETE", http.StatusMethodNotAllowed)
		}
	})
}

// patch takes a fragment of a session description (RFC 8840). Candidates are not
// needed: the server learns where a client is from the checks that reach it. New
// credentials are a restart.
func (ses *session) patch(w http.ResponseWriter, r *http.Request) {
	frag, err := body(w, r, "application/trickle-ice-sdpfrag")
	if err != nil {
		refuse(w, err)
		return
	}
	ses.mu.Lock()
	defer ses.mu.Unlock()
	match := r.Header.Get("If-Match")
	next, restart, err := restarted(ses.offer, frag)
	switch {
	case match == "":
		http.Error(w, "If-Match is missing", http.StatusPreconditionRequired)
	case match != "*" && match != ses.etag():
		http.Error(w, "another restart came first", http.StatusPreconditionFailed)
	case err != nil:
		http.Error(w, err.Error(), http.StatusBadRequest)
	case !restart:
		w.WriteHeader(http.StatusNoContent)
	default:
		ses.restart(w, r, next)
	}
}

func (ses *session) restart(w http.ResponseWriter, r *http.Request, offer string) {
	answer, err := ses.negotiate(r.Context(), offer)
	if err != nil {
		refuse(w, err)
		return
	}
	ses.offer = offer
	ses.tag++
	w.Header().Set("ETag", ses.etag())
	w.Header().Set("Content-Type", "application/trickle-ice-sdpfrag")
	_, _ = io.WriteString(w, fragment(answer)) // the reader left, and will ask again
}

// The attributes of a description that belong to ICE.
const (
	ufrag = "a=ice-ufrag:"
	pwd   = "a=ice-pwd:"
)

// restarted puts the credentials of a fragment into the offer that was answered.
// False: they are those that it has, or there are none.
func restarted(offer, frag string) (next string, restart bool, err error) {
	u, p := value(frag, ufrag), value(frag, pwd)
	if u == "" && p == "" || u == value(offer, ufrag) && p == value(offer, pwd) {
		return "", false, nil
	}
	if u == "" || p == "" || len(u) > 256 || len(p) > 256 {
		return "", false, errors.New("a restart names ice-ufrag and ice-pwd, at most 256 characters each")
	}
	var b strings.Builder
	for line := range strings.Lines(offer) {
		switch {
		case strings.HasPrefix(line, ufrag):
			line = ufrag + u + "\r\n"
		case strings.HasPrefix(line, pwd):
			line = pwd + p + "\r\n"
		}
		b.WriteString(line)
	}
	return b.String(), true, nil
}

// value is what an attribute's first line says.
func value(sdp, attribute string) string {
	for line := range strings.Lines(sdp) {
		if v, ok := strings.CutPrefix(line, attribute); ok {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// fragment is the part of an answer that a restart needs: the credentials, and
// of the first media section its name and the candidates.
func fragment(answer string) string {
	out := ufrag + value(answer, ufrag) + "\r\n" + pwd + value(answer, pwd) + "\r\n"
	sections := 0
	for line := range strings.Lines(answer) {
		if strings.HasPrefix(line, "m=") {
			sections++
		}
		if sections == 1 && (strings.HasPrefix(line, "m=") || strings.HasPrefix(line, "a=mid:") ||
			strings.HasPrefix(line, "a=candidate:") || strings.HasPrefix(line, "a=end-of-candidates")) {
			out += strings.TrimRight(line, "\r\n") + "\r\n"
		}
	}
	return out
}
