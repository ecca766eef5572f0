// Command demosetup makes a fresh hub ready for the demo street: it claims the
// setup token, makes accounts with random passwords, and later says whether
// the street is alive. Passwords are written before they are used, so that an
// interrupted run continues.
//
//	demosetup -data DIR -passwords FILE accounts
//	demosetup -passwords FILE alive
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"gridhub/scripts/hubclient"
)

type options struct {
	hub, data, passwords, street string
	walkers                      int
	patience                     time.Duration
}

func main() {
	var o options
	flag.StringVar(&o.hub, "hub", "http://127.0.0.1:8080", "address of the hub's HTTP API")
	flag.StringVar(&o.data, "data", "", "the hub's data `folder`, which holds the setup token")
	flag.StringVar(&o.passwords, "passwords", "run/passwords", "`file` of accounts and passwords, one of each a line")
	flag.StringVar(&o.street, "street", "configs/demo", "`folder` of the demo street")
	flag.IntVar(&o.walkers, "walkers", 60, "accounts for simulated workers")
	flag.DurationVar(&o.patience, "patience", 90*time.Second, "how long to wait for the hub")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o, flag.Arg(0)); err != nil {
		fmt.Fprintln(os.Stderr, "demosetup:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, o options, what string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, o.patience, fmt.Errorf("not within %v", o.patience))
	defer cancel()
	client := hubclient.New(o.hub)
	switch what {
	case "accounts":
		return makeAccounts(ctx, client, o)
	case "alive":
		return alive(ctx, client, o)
	}
	return errors.New("want accounts or alive")
}

// pause between two attempts.
const pause = 300 * time.Millisecond

// until repeats try until it succeeds or ctx ends; the error is then the last
// one of try.
func until(ctx context.Context, what string, try func() error) error {
	for {
		err := try()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: %w: %w", what, context.Cause(ctx), err)
		case <-time.After(pause):
		}
	}
}
