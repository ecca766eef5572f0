package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	"gridhub/hub/hotline"
)

// askEvery is how often the command line asks how far an import is.
const askEvery = 200 * time.Millisecond

// imports sends a file to the running hub and waits until it is worked off. An
// interrupt leaves the hub at work: the same command finds it again.
func imports(ctx context.Context, args []string, out io.Writer) error {
	f, config := flags("hub import")
	rejected := f.String("rejected", "", "write the rejected rows to this `file`, as CSV")
	w, err := words(f, args)
	if err != nil {
		return fmt.Errorf("hub import: %w", err)
	}
	if len(w) != 2 || w[0] != "hotline" {
		return fmt.Errorf("hub import: want hotline FILE\n\n%s", usage)
	}
	hub, err := reach(*config)
	if err != nil {
		return err
	}
	file, err := os.Open(w[1])
	if err != nil {
		return err
	}
	defer file.Close()
	var i hotline.Import
	if err := hub.send(ctx, "/hotline?name="+url.QueryEscape(filepath.Base(w[1])), file, &i); err != nil {
		return err
	}
	if i, err = hub.wait(ctx, i, out); err != nil {
		return err
	}
	if i.Error != "" {
		return errors.New(i.Error)
	}
	fmt.Fprintf(out, "%d rows: %d new cases, %d known, %d rejected\n", i.Rows, i.Made, i.Known, i.Rejected)
	if i.Rejected == 0 {
		return nil
	}
	if *rejected != "" {
		return hub.download(ctx, "/hotline/"+i.ID+"/rejected", *rejected)
	}
	return listRejected(ctx, hub, i.ID, out)
}

// wait asks until an import is finished, and says so when it stands still.
func (r *running) wait(ctx context.Context, i hotline.Import, out io.Writer) (hotline.Import, error) {
	tick := time.NewTicker(askEvery)
	defer tick.Stop()
	said := ""
	for i.Finished == 0 {
		if i.Error != said {
			said = i.Error
			fmt.Fprintf(out, "%d of %d rows; it stands still and is tried again: %s\n", i.Done, i.Rows, said)
		}
		select {
		case <-ctx.Done():
			return i, ctx.Err()
		case <-tick.C:
		}
		if err := r.get(ctx, "GET", "/hotline/"+i.ID, nil, &i); err != nil {
			return i, err
		}
	}
	return i, nil
}

func (r *running) download(ctx context.Context, path, to string) error {
	b, err := r.ask(ctx, "GET", path, nil)
	if err != nil {
		return err
	}
	defer b.Close()
	f, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, b)
	return errors.Join(err, f.Close())
}

func listRejected(ctx context.Context, hub *running, id string, out io.Writer) error {
	var faults []hotline.Fault
	if err := hub.get(ctx, "GET", "/hotline/"+id+"/rejected?format=json", nil, &faults); err != nil {
		return err
	}
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "ROW\tCOLUMN\tVALUE\tWANTED")
	for _, f := range faults {
		fmt.Fprintf(t, "%d\t%s\t%q\t%s\n", f.Row, f.Column, f.Value, f.Want)
	}
	return t.Flush()
}
