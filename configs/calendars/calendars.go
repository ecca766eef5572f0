// Package calendars carries the shipped tables of public holidays, one file a
// year, so that a hub knows them without a folder beside it. What a file means
// is hub/tasks' to say; a street adds or replaces years in its configuration.
package calendars

import "embed"

// Files are the YAML files of the shipped years.
//
//go:embed *.yaml
var Files embed.FS
