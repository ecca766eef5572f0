// Package oidc signs people in at the street's identity provider, by OpenID
// Connect: the authorization code flow with PKCE, state and nonce. The provider
// says who somebody is; what the person may do here follows from the
// configuration, and an account that nobody awaits is not made unless the
// configuration says so.
//
// It leaves sessions to people and cookies to the API. While the provider does
// not answer, everybody still signs in with a password.
package oidc

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"gridhub/hub/identity"
	"gridhub/hub/people"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// Accounts opens sessions of those whom a provider vouches for.
type Accounts interface {
	SignInForeign(ctx context.Context, f people.Foreign, from, agent string) (string, identity.Principal, error)
}

// Desk signs people in at one provider. It is safe for concurrent use.
type Desk struct {
	c        Config
	secret   string
	accounts Accounts
	client   *http.Client

	mu    sync.Mutex
	found *oidc.Provider // nil: it was not asked yet, or did not answer
}

// New reads the secret and asks nobody: a provider that is down does not stop
// the hub.
func New(c Config, accounts Accounts) (*Desk, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("oidc: %w", err)
	}
	secret, err := c.secret()
	if err != nil {
		return nil, fmt.Errorf("oidc.secret_file: %w", err)
	}
	return &Desk{c: c, secret: secret, accounts: accounts, client: &http.Client{Timeout: c.Timeout}}, nil
}

// Name is what the sign-in page calls the provider.
func (d *Desk) Name() people.Name { return d.c.Name }

// provider is what the issuer says of itself (OpenID Connect Discovery 1.0, 4).
// It is asked when it is needed first, and again until it has answered.
func (d *Desk) provider() (*oidc.Provider, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.found != nil {
		return d.found, nil
	}
	ctx := oidc.ClientContext(context.Background(), d.client) // it is kept, for the keys
	p, err := oidc.NewProvider(ctx, d.c.Issuer)
	if err != nil {
		return nil, fmt.Errorf("identity provider %s: %w", d.c.Issuer, err)
	}
	d.found = p
	return p, nil
}

func (d *Desk) flow(p *oidc.Provider) *oauth2.Config {
	return &oauth2.Config{ClientID: d.c.ClientID, ClientSecret: d.secret, Endpoint: p.Endpoint(),
		RedirectURL: d.c.Redirect, Scopes: append([]string{oidc.ScopeOpenID}, d.c.Ask...)}
}

// Begin makes the address to go to. What is kept ties the answer to the browser
// that asked (state), to this request (nonce) and to whoever holds the verifier
// (RFC 7636).
func (d *Desk) Begin(context.Context) (address, kept string, err error) {
	p, err := d.provider()
	if err != nil {
		return "", "", err
	}
	state, nonce, verifier := oauth2.GenerateVerifier(), oauth2.GenerateVerifier(), oauth2.GenerateVerifier()
	to := d.flow(p).AuthCodeURL(state, oidc.Nonce(nonce), oauth2.S256ChallengeOption(verifier))
	return to, state + "." + nonce + "." + verifier, nil
}

// errState says that an answer belongs to no question of this browser.
var errState = errors.New("the answer does not belong to what this browser asked")

// End takes the provider's answer and opens a session.
func (d *Desk) End(ctx context.Context, kept string, answer url.Values, from, agent string) (string, identity.Principal, error) {
	parts := strings.Split(kept, ".")
	if len(parts) != 3 || subtle.ConstantTimeCompare([]byte(parts[0]), []byte(answer.Get("state"))) != 1 {
		return "", identity.Principal{}, errState
	}
	if refused := answer.Get("error"); refused != "" {
		return "", identity.Principal{}, fmt.Errorf("the identity provider refused: %.200q", refused)
	}
	f, err := d.redeem(ctx, answer.Get("code"), parts[1], parts[2])
	if err != nil {
		return "", identity.Principal{}, err
	}
	return d.accounts.SignInForeign(ctx, f, from, agent)
}

// redeem trades the code for the token and reads who it is of.
func (d *Desk) redeem(ctx context.Context, code, nonce, verifier string) (people.Foreign, error) {
	p, err := d.provider()
	if err != nil {
		return people.Foreign{}, err
	}
	ctx = oidc.ClientContext(ctx, d.client)
	token, err := d.flow(p).Exchange(ctx, code, oauth2.VerifierOption(verifier))
	if err != nil {
		return people.Foreign{}, fmt.Errorf("the code was not taken: %w", err)
	}
	raw, ok := token.Extra("id_token").(string)
	if !ok {
		return people.Foreign{}, errors.New("the identity provider sent no id_token")
	}
	id, err := p.Verifier(&oidc.Config{ClientID: d.c.ClientID}).Verify(ctx, raw)
	if err != nil {
		return people.Foreign{}, fmt.Errorf("the id_token is not good: %w", err)
	}
	if subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(nonce)) != 1 {
		return people.Foreign{}, errState
	}
	claims := map[string]any{}
	if err := id.Claims(&claims); err != nil {
		return people.Foreign{}, err
	}
	if info, err := p.UserInfo(ctx, oauth2.StaticTokenSource(token)); err == nil && info.Subject == id.Subject {
		_ = info.Claims(&claims) // many providers keep the token small and tell the rest here
	}
	return d.foreign(id.Issuer+" "+id.Subject, claims)
}

// foreign puts claims into this street's words.
func (d *Desk) foreign(subject string, claims map[string]any) (people.Foreign, error) {
	account, _ := claims[d.c.Account].(string)
	if account == "" || len(account) > 64 {
		return people.Foreign{}, fmt.Errorf("the claim %s names no account", d.c.Account)
	}
	f := people.Foreign{Subject: subject, Account: account, Create: d.c.Create}
	if person, ok := claims[d.c.Person].(string); ok && d.c.Person != "" {
		f.Person = identity.PersonID(person)
	}
	var err error
	f.Roles, f.Scopes, err = d.c.rolesOf(texts(claims[d.c.Claim]))
	return f, err
}

// texts reads a claim that is one text or several.
func texts(v any) (out []string) {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		for _, one := range v {
			if s, ok := one.(string); ok {
				out = append(out, s)
			}
		}
	}
	return out
}
