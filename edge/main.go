// Command edge is the gateway beside the sensors: it reads devices as
// configuration files describe them and delivers every reading to a hub.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"gridhub/edge/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := cli.Run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, err)
		stop()
		os.Exit(1)
	}
}
