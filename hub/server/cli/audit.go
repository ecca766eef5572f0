package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"gridhub/hub/audit"
)

// auditLog shows, exports or examines the audit log of a running hub.
func auditLog(ctx context.Context, args []string, out io.Writer) error {
	f, config := flags("hub audit")
	q := url.Values{"limit": {"100"}}
	for name, what := range map[string]string{"account": "who asked", "person": "the member of staff behind it",
		"act": "an act, or how acts begin: track", "subject": "id of what was acted on", "from": "first instant, `ms` since 1970",
		"to": "first instant that is not wanted", "before": "entries before this `number`", "limit": "how many, at most 500"} {
		f.Func(name, what, func(s string) error { q.Set(name, s); return nil })
	}
	lang := f.String("lang", language(), "zh or en")
	w, err := words(f, args)
	if err != nil {
		return fmt.Errorf("hub audit: %w\n\n%s", err, usage)
	}
	hub, err := reach(*config)
	if err != nil {
		return err
	}
	switch {
	case len(w) == 1 && w[0] == "list":
		var list []audit.Line
		if err := hub.get(ctx, "GET", "/audit?"+q.Encode(), nil, &list); err != nil {
			return err
		}
		return entries(out, list)
	case len(w) == 2 && w[0] == "export":
		return exportAudit(ctx, hub, w[1])
	case len(w) == 1 && w[0] == "verify":
		var c audit.Chain
		if err := hub.get(ctx, "GET", "/audit/chain", nil, &c); err != nil {
			return err
		}
		return tellChain(out, *config, c, *lang)
	}
	return errors.New("hub audit: want list, export FILE or verify\n\n" + usage)
}

// entries writes a table, newest first.
func entries(out io.Writer, list []audit.Line) error {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "N\tAT\tACCOUNT\tACT\tSUBJECT\tFROM\tDETAIL")
	for _, e := range list {
		var more []string
		if e.Reason != "" {
			more = append(more, fmt.Sprintf("%q", e.Reason))
		}
		for _, k := range slices.Sorted(maps.Keys(e.Detail)) {
			more = append(more, k+"="+e.Detail[k])
		}
		fmt.Fprintf(t, "%d\t%s\t%s\t%s\t%s\t%s\t%s\n", e.N, time.UnixMilli(int64(e.At)).Format(time.DateTime),
			e.Account, e.Act, e.Subject, e.From, strings.Join(more, " "))
	}
	return t.Flush()
}

// exportAudit writes the whole chain to a new file.
func exportAudit(ctx context.Context, hub *running, path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	body, err := hub.ask(ctx, "GET", "/audit/export", nil)
	if err == nil {
		_, err = io.Copy(f, body)
		err = errors.Join(err, body.Close())
	}
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}

// tellChain prints what was found; a fault makes the command fail.
func tellChain(out io.Writer, name string, c audit.Chain, lang string) error {
	if _, err := fmt.Fprintln(out, strings.Join(c.Lines(name, lang), "\n")); err != nil {
		return err
	}
	switch {
	case c.OK():
		return nil
	case lang == "zh":
		return errors.New("审计日志无效")
	}
	return errors.New("the audit log is faulty")
}
