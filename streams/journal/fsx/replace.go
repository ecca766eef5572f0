package fsx

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Replace makes data the content of the file name, at once and durably: after a
// crash there is the old content or the new one. It works on the operating
// system's files, with mode 0600. One caller at a time for each name.
func Replace(name string, data []byte) error {
	temp := name + ".new"
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(temp, name)
	}
	if err != nil {
		return fmt.Errorf("replace %s: %w", name, errors.Join(err, os.Remove(temp)))
	}
	return OS{}.SyncDir(filepath.Dir(name))
}
