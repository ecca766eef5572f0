package cli

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"time"

	"gridhub/hub/archive"
	"gridhub/streams/journal/fsx"
	"gridhub/streams/record"
)

// heard are recordings that were examined.
type heard []recording

type recording struct {
	folder string
	book   *record.Book
	faults []record.Fault
}

// recordingsAmong takes the folders of recordings, and the folders of such
// folders, out of the names.
func recordingsAmong(names []string) (others, folders []string) {
	for _, name := range names {
		own, _ := filepath.Glob(filepath.Join(name, "*.chain")) // only a bad pattern fails
		below, _ := filepath.Glob(filepath.Join(name, "*", "0001.chain"))
		switch {
		case len(own) > 0:
			folders = append(folders, name)
		case len(below) > 0:
			for _, b := range below {
				folders = append(folders, filepath.Dir(b))
			}
		default:
			others = append(others, name)
		}
	}
	return others, folders
}

func examineRecordings(folders []string) (out heard, err error) {
	for _, f := range folders {
		b, faults, err := record.Verify(fsx.OS{}, f)
		if err != nil {
			return nil, fmt.Errorf("recording %s: %w", f, err)
		}
		out = append(out, recording{f, b, faults})
	}
	return out, nil
}

// tell prints what was found of each recording, compared with the sealed cases
// that name it; faulty ones make the command fail.
func (all heard) tell(out io.Writer, sealed []*archive.Report, lang string) error {
	zh := lang == "zh"
	faulty := 0
	for i := range all {
		r := &all[i]
		r.compare(sealed)
		if len(r.faults) > 0 {
			faulty++
		}
		for _, line := range r.lines(zh) {
			if _, err := fmt.Fprintln(out, line); err != nil {
				return err
			}
		}
	}
	switch {
	case faulty == 0:
		return nil
	case zh:
		return fmt.Errorf("%d 份录音录像中有 %d 份无效", len(all), faulty)
	}
	return fmt.Errorf("%d of %d recordings are faulty", faulty, len(all))
}

// compare finds a chain other than the one that a sealed case names.
func (r *recording) compare(sealed []*archive.Report) {
	for _, s := range sealed {
		for _, named := range s.Recordings {
			if named.Call == r.book.Call && !slices.Contains(r.book.Heads, named.Head) {
				r.faults = append(r.faults, record.Fault{File: filepath.Base(r.folder),
					Detail: fmt.Sprintf("case %s was sealed with another chain (%.16s…)", s.Case, named.Head)})
			}
		}
	}
}

func (r *recording) lines(zh bool) []string {
	b := r.book
	word := func(c, e string) string { return map[bool]string{true: c, false: e}[zh] }
	state := word("完整", "complete")
	switch {
	case b.Erased:
		state = word("已按期删除", "removed when its time was over")
	case !b.Finished:
		state = word("未结束", "not finished")
	}
	verdict := word("有效", "ok")
	if len(r.faults) > 0 {
		verdict = word("无效", "FAULTY")
	}
	out := []string{fmt.Sprintf(word("%s: %s，通话 %s，案件 %s，%s，%s，%d 个片段，%d 条记录，%d 处缺失，链尾 %s",
		"%s: %s, call %s, case %s, %s, %s, %d parts, %d entries, %d gaps, head %s"),
		r.folder, verdict, b.Call, b.Task, state, b.Length.Round(time.Millisecond), len(b.Parts), b.Entries, len(b.Gaps), b.Head)}
	for _, g := range b.Gaps {
		kind := word("声音和画面", "sound and picture")
		if len(g.Media) > 0 {
			kind = map[string]string{"audio": word("声音", "sound"), "video": word("画面", "picture")}[g.Media[0].Kind]
		}
		out = append(out, fmt.Sprintf(word("  缺失 %s–%s %s %s（%s）", "  gap %s–%s %s %s (%s)"), mark(g.Start), mark(g.End), g.Person, kind, g.Cause))
	}
	for _, f := range r.faults {
		out = append(out, fmt.Sprintf(word("  错误 %s 第 %d–%d 字节: %s", "  fault in %s, bytes %d to %d: %s"), f.File, f.From, f.To, f.Detail))
	}
	return out
}

// mark writes a place on the time bar.
func mark(ms int64) string { return (time.Duration(ms) * time.Millisecond).String() }
