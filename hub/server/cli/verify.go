package cli

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"gridhub/hub/archive"
	"gridhub/hub/audit"
)

// verify examines sealed cases and exports of the audit log. It needs the files and what the owner of the
// archive handed out: the public key, a checkpoint, or both.
func verify(args []string, out io.Writer) error {
	f := flag.NewFlagSet("hub verify", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	key := f.String("key", "", "public key of the archive: `file`")
	checkpoint := f.String("checkpoint", "", "checkpoint that you trust: `file`")
	lang := f.String("lang", language(), "zh or en")
	names, err := words(f, args)
	if err != nil {
		return fmt.Errorf("hub verify: %w\n\n%s", err, usage)
	}
	names, folders := recordingsAmong(names)
	heard, err := examineRecordings(folders)
	if err != nil {
		return fmt.Errorf("hub verify: %w", err)
	}
	if len(names) == 0 && len(heard) > 0 {
		return heard.tell(out, nil, *lang)
	}
	trust, err := trusted(*key, *checkpoint)
	if err != nil {
		return fmt.Errorf("hub verify: %w", err)
	}
	files, err := sealedFiles(names)
	if err != nil {
		return fmt.Errorf("hub verify: %w", err)
	}
	all := make([]findings, len(files))
	var reports []*archive.Report
	for i, name := range files {
		var r *archive.Report
		if all[i], r, err = examine(name, trust); err != nil {
			return fmt.Errorf("hub verify: %w", err)
		}
		if r != nil {
			reports = append(reports, r)
		}
	}
	archive.Together(trust, reports)
	return errors.Join(tell(out, files, all, *lang), heard.tell(out, reports, *lang))
}

// findings are what was found out about one file.
type findings interface {
	OK() bool
	Lines(name, lang string) []string
}

// language is that of the terminal.
func language() string {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if v := os.Getenv(name); v != "" {
			return map[bool]string{true: "zh", false: "en"}[strings.HasPrefix(v, "zh")]
		}
	}
	return "en"
}

func trusted(key, checkpoint string) (archive.Trust, error) {
	var texts [2]string
	for i, name := range []string{key, checkpoint} {
		if name == "" {
			continue
		}
		b, err := os.ReadFile(name)
		if err != nil {
			return archive.Trust{}, err
		}
		texts[i] = string(b)
	}
	return archive.NewTrust(texts[0], texts[1])
}

// sealedFiles lists the files named, and those of the folders named.
func sealedFiles(names []string) ([]string, error) {
	var out []string
	for _, name := range names {
		info, err := os.Stat(name)
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			out = append(out, name)
			continue
		}
		for _, kind := range []string{"*.zip", "*.jsonl"} {
			found, err := filepath.Glob(filepath.Join(name, kind))
			if err != nil {
				return nil, err
			}
			out = append(out, found...)
		}
	}
	if len(out) == 0 {
		return nil, errors.New("name at least one sealed case or export of the audit log, or a folder of them")
	}
	return out, nil
}

// examine reads one file of either kind; the report is nil for an audit log.
func examine(name string, trust archive.Trust) (findings, *archive.Report, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	begins := make([]byte, 16)
	n, _ := f.ReadAt(begins, 0) // a short file is no export
	if audit.IsExport(begins[:n]) {
		c, err := audit.Examine(f, trust.Vouched)
		return c, nil, err
	}
	r := archive.Verify(f, info.Size(), trust)
	return r, r, nil
}

// tell prints every report; faulty ones make the command fail.
func tell(out io.Writer, files []string, reports []findings, lang string) error {
	faulty := 0
	for i, r := range reports {
		if !r.OK() {
			faulty++
		}
		if _, err := fmt.Fprintln(out, strings.Join(r.Lines(files[i], lang), "\n")); err != nil {
			return err
		}
	}
	switch {
	case faulty == 0:
		return nil
	case lang == "zh":
		return fmt.Errorf("%d 个文件中有 %d 个无效", len(files), faulty)
	}
	return fmt.Errorf("%d of %d files are faulty", faulty, len(files))
}
