package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"gridhub/configs"
	"gridhub/configs/words"
	"gridhub/edge/gateway"
)

// check reads files and says all that is wrong with them.
func check(args []string, out io.Writer) error {
	c := newCommand("check", "FILE…")
	lang := c.String("lang", string(words.Of(os.Getenv)), "zh or en; left out, the one of LANG")
	paths, err := c.parse(args, 1, 1000)
	if err != nil {
		return err
	}
	in, err := words.Parse(*lang)
	if err != nil {
		return fmt.Errorf("edge check: %w", err)
	}
	report, err := gateway.Check(paths...)
	var problems configs.Problems
	if errors.As(err, &problems) {
		return in.Problems(problems)
	}
	if err != nil {
		return err
	}
	for line := range strings.Lines(report) {
		fmt.Fprintln(out, in.Sentence(strings.TrimSuffix(line, "\n")))
	}
	return nil
}
