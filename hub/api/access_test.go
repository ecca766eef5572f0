package api

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"gridhub/hub/identity"

	"github.com/danielgtaylor/huma/v2"
)

// others are the methods that no turned-away request reaches.
type others = Accounts

// doorman knows one session a role, named like it.
type doorman struct{ others }

func (doorman) Session(_ context.Context, session string) (identity.Principal, error) {
	if !slices.Contains(identity.Roles, identity.Role(session)) {
		return identity.Principal{}, errors.New("no such session")
	}
	return identity.Principal{Account: session, Roles: []identity.Role{identity.Role(session)}}, nil
}

// TestDenyByDefault asks every operation as nobody and in every role that the
// table does not name: all must be turned away before any feature is asked
// (there are none behind this API: a request that got through would panic).
func TestDenyByDefault(t *testing.T) {
	a := New(Deps{Audit: openAudit(t), Accounts: doorman{}, Clock: time.Now})
	for path, item := range a.huma.OpenAPI().Paths {
		for method, id := range map[string]string{
			http.MethodGet: opID(item.Get), http.MethodPost: opID(item.Post), http.MethodDelete: opID(item.Delete),
			http.MethodPut: opID(item.Put), http.MethodPatch: opID(item.Patch), http.MethodHead: opID(item.Head),
		} {
			if id == "" || slices.Equal(access[id], anyone) {
				continue
			}
			if got := ask(a, method, path, ""); got != http.StatusUnauthorized {
				t.Errorf("%s without a session: %d, want 401", id, got)
			}
			for _, role := range identity.Roles {
				if slices.Contains(access[id], role) {
					continue
				}
				if got := ask(a, method, path, string(role)); got != http.StatusForbidden {
					t.Errorf("%s as %s: %d, want 403", id, role, got)
				}
			}
		}
	}
}

// TestOriginalsAreForFew asks for a photo as it came: nobody but those who
// audit reaches the store (there is none behind this API).
func TestOriginalsAreForFew(t *testing.T) {
	a := New(Deps{Audit: openAudit(t), Accounts: doorman{}, Clock: time.Now})
	path := "/api/v1/evidence/" + strings.Repeat("0", 64) + "/file?form=original"
	for _, role := range access["evidence-file"] {
		if !slices.Contains(originals, role) && ask(a, http.MethodGet, path, string(role)) != http.StatusForbidden {
			t.Errorf("%s was given an original", role)
		}
	}
}

func ask(a *API, method, path, session string) int {
	path = strings.NewReplacer("{", "", "}", "").Replace(path)
	r := httptest.NewRequest(method, path, strings.NewReader("{}"))
	r.Header.Set("Content-Type", "application/json")
	if session != "" {
		r.AddCookie(&http.Cookie{Name: SessionCookie, Value: session})
	}
	w := httptest.NewRecorder()
	a.ServeHTTP(w, r)
	return w.Code
}

func opID(op *huma.Operation) string {
	if op == nil {
		return ""
	}
	return op.OperationID
}
