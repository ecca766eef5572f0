package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"gridhub/configs"
	"gridhub/hub/identity"
	"gridhub/hub/people"
	"gridhub/scripts/hubclient"
)

const admin = "admin"

// newAccount is what the hub is asked to make.
type newAccount struct {
	Name     string            `json:"name"`
	Person   identity.PersonID `json:"person,omitempty"`
	Roles    []identity.Role   `json:"roles"`
	Password string            `json:"password"`
}

func makeAccounts(ctx context.Context, c *hubclient.Client, o options) error {
	b, err := openBook(o.passwords)
	if err != nil {
		return err
	}
	wanted, err := demoAccounts(o)
	if err != nil {
		return err
	}
	if err := claim(ctx, c, b, o.data); err != nil {
		return err
	}
	if _, err := c.SignIn(ctx, admin, b.known[admin]); err != nil {
		return fmt.Errorf("sign in as %s with the password in %s: %w", admin, o.passwords, err)
	}
	for _, a := range wanted {
		if a.Password, err = b.password(a.Name); err != nil {
			return err
		}
		err := c.Call(ctx, "POST", "/api/v1/accounts", a, nil)
		if err != nil && hubclient.Status(err) != http.StatusConflict { // made by an earlier run
			return fmt.Errorf("account %s: %w", a.Name, err)
		}
	}
	return nil
}

// claim makes the first administrator, if the hub still waits for one.
func claim(ctx context.Context, c *hubclient.Client, b *book, data string) error {
	var state struct {
		Needed bool `json:"needed"`
	}
	err := until(ctx, "the hub does not answer", func() error { return c.Call(ctx, "GET", "/api/v1/setup", nil, &state) })
	if err != nil {
		return err
	}
	if _, ours := b.known[admin]; !state.Needed && !ours {
		return fmt.Errorf("this hub has an administrator already whose password is not in %s", b.path)
	} else if !state.Needed {
		return nil
	}
	token, err := os.ReadFile(filepath.Join(data, "setup-token"))
	if err != nil {
		return fmt.Errorf("setup token: %w", err)
	}
	password, err := b.password(admin)
	if err != nil {
		return err
	}
	in := map[string]string{"token": strings.TrimSpace(string(token)), "account": admin, "password": password}
	return c.Call(ctx, "POST", "/api/v1/setup", in, nil)
}

// demoAccounts lists a dispatcher, the simulated workers, and one more worker
// whom nobody plays: the account to try a phone with.
func demoAccounts(o options) ([]newAccount, error) {
	var file struct {
		Staff []people.Staff `yaml:"staff"`
	}
	if err := configs.ReadFile(filepath.Join(o.street, "staff.yaml"), &file); err != nil {
		return nil, err
	}
	forces := map[string][]people.Staff{}
	for _, p := range file.Staff {
		forces[string(p.Force)] = append(forces[string(p.Force)], p)
	}
	// one walker in four is of the patrol
	patrol := min(o.walkers/4, len(forces["patrol"]))
	grid := min(o.walkers-patrol, len(forces["grid"])-1)
	if grid < 0 || len(forces["cadre"]) == 0 {
		return nil, fmt.Errorf("%s has no grid members or no cadres", o.street)
	}
	all := []newAccount{{Name: "dispatcher", Person: forces["cadre"][0].ID, Roles: []identity.Role{identity.Dispatcher, identity.Checker}}}
	walkers := append(forces["grid"][:grid:grid], forces["patrol"][:patrol]...)
	for _, p := range append(walkers, forces["grid"][grid]) {
		all = append(all, newAccount{Name: string(p.ID), Person: p.ID, Roles: []identity.Role{identity.Handler}})
	}
	return all, nil
}
