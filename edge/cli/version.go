package cli

import (
	"cmp"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
)

// Version is set by the build; empty: what the Go tool noted of the source.
var Version string

func version(out io.Writer) error {
	noted := ""
	if info, ok := debug.ReadBuildInfo(); ok {
		noted = info.Main.Version
	}
	_, err := fmt.Fprintf(out, "edge %s %s %s/%s\n", cmp.Or(Version, noted, "unversioned"), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}
