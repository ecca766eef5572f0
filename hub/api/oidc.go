package api

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"gridhub/hub/audit"
	"gridhub/hub/identity"
	"gridhub/hub/people"

	"github.com/danielgtaylor/huma/v2"
)

// OIDC signs people in at an identity provider. Begin makes the address of the
// provider to go to, and what the browser keeps until it comes back; End takes
// what it came back with and opens a session.
type OIDC interface {
	Name() people.Name
	Begin(ctx context.Context) (address, kept string, err error)
	End(ctx context.Context, kept string, answer url.Values, from, agent string) (session string, p identity.Principal, err error)
}

// oidcCookie keeps state, nonce and verifier in the browser that began. It is
// Lax, as the way back is a navigation from another site.
const (
	oidcCookie = "gridhub_oidc"
	oidcLife   = 10 * time.Minute
)

// Provider is the identity provider that may be used to sign in.
type Provider struct {
	On   bool        `json:"on"`
	Name people.Name `json:"name"`
}

type providerOutput struct{ Body Provider }

type oidcBackInput struct {
	Agent string `header:"User-Agent"`
	Kept  string `cookie:"gridhub_oidc"`
	url   url.URL
}

// Resolve keeps the address, whose every parameter is the provider's.
func (in *oidcBackInput) Resolve(ctx huma.Context) []error {
	in.url = ctx.URL()
	return nil
}

// goOutput sends a browser elsewhere.
type goOutput struct {
	Status    int
	Location  string        `header:"Location"`
	Cache     string        `header:"Cache-Control"`
	SetCookie []http.Cookie `header:"Set-Cookie"`
}

func (a *API) registerOIDC() {
	register(a, huma.Operation{OperationID: "oidc", Method: "GET", Path: "/api/v1/oidc", Summary: "The identity provider, if there is one"}, a.provider)
	register(a, huma.Operation{OperationID: "oidc-start", Method: "GET", Path: "/api/v1/oidc/start", Summary: "Go to the identity provider to sign in", DefaultStatus: 302}, a.oidcStart)
	register(a, huma.Operation{OperationID: "oidc-callback", Method: "GET", Path: "/api/v1/oidc/callback", Summary: "Come back from the identity provider", DefaultStatus: 302}, a.oidcCallback)
}

func (a *API) provider(context.Context, *struct{}) (*providerOutput, error) {
	out := &providerOutput{}
	if a.deps.OIDC != nil {
		out.Body = Provider{On: true, Name: a.deps.OIDC.Name()}
	}
	return out, nil
}

// away is an answer that goes to an address of ours, or of the provider.
func away(to string, cookies ...http.Cookie) *goOutput {
	return &goOutput{Status: http.StatusFound, Location: to, Cache: "no-store", SetCookie: cookies}
}

func keptCookie(value string, age time.Duration) http.Cookie {
	return http.Cookie{Name: oidcCookie, Value: value, Path: "/api/v1/oidc/", MaxAge: int(age.Seconds()),
		HttpOnly: true, Secure: true, SameSite: http.SameSiteLaxMode}
}

func (a *API) oidcStart(ctx context.Context, _ *struct{}) (*goOutput, error) {
	if a.deps.OIDC == nil {
		return nil, huma.Error404NotFound("this hub has no identity provider")
	}
	to, kept, err := a.deps.OIDC.Begin(ctx)
	if err != nil {
		a.deps.Log.Warn("the identity provider does not answer; local sign-in goes on", "error", err)
		return away("/?oidc=down"), nil
	}
	return away(to, keptCookie(kept, oidcLife)), nil
}

// oidcCallback always ends on the page: a sign-in that failed says why there.
func (a *API) oidcCallback(ctx context.Context, in *oidcBackInput) (*goOutput, error) {
	if a.deps.OIDC == nil {
		return nil, huma.Error404NotFound("this hub has no identity provider")
	}
	gone := keptCookie("", -time.Second)
	session, p, err := a.deps.OIDC.End(ctx, in.Kept, in.url.Query(), from(ctx), in.Agent)
	if err == nil {
		err = a.began(ctx, p)
	}
	if err != nil {
		_ = a.record(ctx, audit.Entry{Act: "session.refuse", Detail: map[string]string{"via": "oidc"}}, true) // logged; it is refused all the same
		a.deps.Log.Warn("a sign-in by the identity provider was refused", "remote", from(ctx), "error", err)
		why := "failed"
		if errors.Is(err, people.ErrNoAccount) || errors.Is(err, people.ErrDisabled) {
			why = "nobody"
		}
		return away("/?oidc="+why, gone), nil
	}
	return away("/", gone, sessionCookie(session, 0)), nil
}
