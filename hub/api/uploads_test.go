package api

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"testing"

	"gridhub/hub/identity"
)

// TestNoPiecesForCasesOfOthers announces uploads for a case within reach, for one
// beyond it, and for none.
func TestNoPiecesForCasesOfOthers(t *testing.T) {
	w := openTown(t)
	for name, tt := range map[string]struct {
		metadata string
		want     int
	}{
		"own":           {"kind cGhvdG8=, case " + coded(string(w.here.ID)), http.StatusCreated},
		"another's":     {"case " + coded(string(w.there.ID)) + ",kind cGhvdG8=", http.StatusForbidden},
		"of no case":    {"kind cGhvdG8=", http.StatusCreated},
		"that is not":   {"case " + coded("c-nowhere"), http.StatusNotFound},
		"not in base64": {"case !!!", http.StatusCreated}, // refused by who takes the upload
	} {
		r := httptest.NewRequestWithContext(t.Context(), "POST", "/api/v1/uploads/", nil)
		r.Header.Set("Upload-Metadata", tt.metadata)
		r.AddCookie(&http.Cookie{Name: SessionCookie, Value: w.session(string(identity.Handler) + "@" + string(identity.Own))})
		rec := httptest.NewRecorder()
		w.api.ServeHTTP(rec, r)
		if rec.Code != tt.want {
			t.Errorf("%s: %d %s, want %d", name, rec.Code, rec.Body, tt.want)
		}
	}
}

func coded(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
