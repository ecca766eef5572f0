package cli

import (
	"context"
	"fmt"
	"io"
	"net/url"

	"gridhub/hub/identity"
	"gridhub/hub/registry"
)

// care is what hub device does to a device that is there: bind, unbind,
// replace. known is false for other words.
func care(ctx context.Context, hub *running, w []string, vehicle string, out io.Writer) (known bool, err error) {
	path := func(what string) string { return "/devices/" + url.PathEscape(w[1]) + "/" + what }
	switch {
	case len(w) == 3 && w[0] == "bind" && vehicle == "":
		return true, hub.get(ctx, "POST", path("holder"), registry.Holder{Person: identity.PersonID(w[2])}, &struct{}{})
	case len(w) == 2 && w[0] == "bind" && vehicle != "":
		return true, hub.get(ctx, "POST", path("holder"), registry.Holder{Vehicle: vehicle}, &struct{}{})
	case len(w) == 2 && w[0] == "unbind":
		return true, hub.get(ctx, "POST", path("holder"), registry.Holder{}, &struct{}{})
	case len(w) == 3 && w[0] == "replace":
		var made struct{ Secret string }
		if err := hub.get(ctx, "POST", path("replace"), map[string]string{"unit": w[2]}, &made); err != nil {
			return true, err
		}
		_, err := fmt.Fprintln(out, made.Secret)
		return true, err
	}
	return false, nil
}
