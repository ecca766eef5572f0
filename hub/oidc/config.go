package oidc

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"gridhub/configs"
	"gridhub/hub/identity"
	"gridhub/hub/people"
)

// Config says which identity provider there is and what its words mean here.
type Config struct {
	Issuer     string              `yaml:"issuer"` // address of the provider; empty: none
	Name       people.Name         `yaml:"name"`   // on the sign-in page
	ClientID   string              `yaml:"client_id"`
	SecretFile string              `yaml:"secret_file"` // file with the client's secret; empty: a public client
	Redirect   string              `yaml:"redirect"`    // https://…/api/v1/oidc/callback, as the provider knows it
	Ask        []string            `yaml:"ask"`         // scopes of the request, besides openid
	Account    string              `yaml:"account"`     // claim that names the account
	Person     string              `yaml:"person"`      // claim with the number of the member of staff; empty: none
	Claim      string              `yaml:"claim"`       // claim with the groups
	Groups     map[string][]string `yaml:"groups"`      // group -> roles, such as dispatcher or head@department:UM
	Create     bool                `yaml:"create"`      // make accounts of those whose groups give a role
	Timeout    time.Duration       `yaml:"timeout"`     // of one question to the provider
}

// Default is no provider, and the claims that most have.
func Default() Config {
	return Config{Name: people.Name{ZH: "统一身份认证", EN: "Single sign-on"}, Ask: []string{"profile", "groups"},
		Account: "preferred_username", Claim: "groups", Groups: map[string][]string{}, Timeout: 5 * time.Second}
}

// Callback is the path that a redirect address ends with.
const Callback = "/api/v1/oidc/callback"

// Validate reports every mistake at once; of no provider there is none.
func (c Config) Validate() error {
	if c.Issuer == "" {
		return nil
	}
	var errs []error
	want := func(ok bool, key string, value any, what string) {
		if !ok {
			errs = append(errs, configs.Fault(key, value, "%s", what))
		}
	}
	want(safe(c.Issuer), "issuer", c.Issuer, "an https address; http on this machine alone")
	want(c.ClientID != "", "client_id", c.ClientID, "the hub's name at the provider")
	want(safe(c.Redirect) && strings.HasSuffix(c.Redirect, Callback), "redirect", c.Redirect, "https://HOST"+Callback)
	want(c.Account != "", "account", c.Account, "a claim such as preferred_username or email")
	want(c.Timeout > 0, "timeout", c.Timeout, "a time such as 5s")
	for group, roles := range c.Groups {
		_, _, err := grants(roles)
		want(err == nil, "groups."+group, roles, fmt.Sprint(err))
	}
	return errors.Join(errs...)
}

// safe reports whether an address is encrypted or does not leave this machine.
func safe(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return false
	}
	local := slices.Contains([]string{"localhost", "127.0.0.1", "::1"}, u.Hostname())
	return u.Scheme == "https" || u.Scheme == "http" && local
}

// grants reads roles as the configuration writes them: role, or role@scope. The
// same role several times holds in all of its scopes; without one, where a role
// holds by nature.
func grants(list []string) (roles []identity.Role, scopes map[identity.Role][]identity.Scope, err error) {
	scopes = map[identity.Role][]identity.Scope{}
	whole := map[identity.Role]bool{}
	for _, g := range list {
		name, scope, bounded := strings.Cut(g, "@")
		role := identity.Role(name)
		if !slices.Contains(identity.Roles, role) || bounded && !identity.Scope(scope).Valid() {
			return nil, nil, fmt.Errorf("ROLE or ROLE@SCOPE, with a role of %v and a scope street, own, department:CODE or grid:CODE; %q is not", identity.Roles, g)
		}
		if !slices.Contains(roles, role) {
			roles = append(roles, role)
		}
		if bounded {
			scopes[role] = append(scopes[role], identity.Scope(scope))
		} else {
			whole[role] = true
		}
	}
	for role := range whole {
		delete(scopes, role)
	}
	return roles, scopes, nil
}

// rolesOf is what the groups of a person give here.
func (c Config) rolesOf(groups []string) ([]identity.Role, map[identity.Role][]identity.Scope, error) {
	var all []string
	for _, g := range groups {
		all = append(all, c.Groups[g]...)
	}
	return grants(all)
}

// secret reads the client's secret.
func (c Config) secret() (string, error) {
	if c.SecretFile == "" {
		return "", nil
	}
	b, err := os.ReadFile(c.SecretFile)
	return strings.TrimSpace(string(b)), err
}
