package cli

import (
	"fmt"
	"io"
	"strings"

	"gridhub/configs"
	"gridhub/configs/schema"
)

// printSchema writes one of the schemas that editors use.
func printSchema(args []string, out io.Writer) error {
	c := newCommand("schema", strings.Join(schema.Names(), " or "))
	args, err := c.parse(args, 1, 1)
	if err != nil {
		return err
	}
	data, ok := schema.Of(args[0])
	if !ok {
		return fmt.Errorf("edge schema: %s: %s", args[0], configs.Unknown(args[0], schema.Names()))
	}
	_, err = out.Write(data)
	return err
}
