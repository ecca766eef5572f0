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
)

// verify examines sealed cases. It needs the files and what the owner of the
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
	reports := make([]*archive.Report, len(files))
	for i, name := range files {
		if reports[i], err = examine(name, trust); err != nil {
			return fmt.Errorf("hub verify: %w", err)
		}
	}
	archive.Together(trust, reports)
	return errors.Join(tell(out, files, reports, *lang), heard.tell(out, reports, *lang))
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
		found, err := filepath.Glob(filepath.Join(name, "*.zip"))
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	if len(out) == 0 {
		return nil, errors.New("name at least one sealed case, or a folder of them")
	}
	return out, nil
}

func examine(name string, trust archive.Trust) (*archive.Report, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	return archive.Verify(f, info.Size(), trust), nil
}

// tell prints every report; faulty ones make the command fail.
func tell(out io.Writer, files []string, reports []*archive.Report, lang string) error {
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
