// Program hub is the street's centre: broker, task pool, calls and the two
// faces, in one process.
package main

import (
	"fmt"
	"os"

	"gridhub/hub/api"
)

func main() {
	spec, err := api.Spec()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Stdout.Write(spec)
}
