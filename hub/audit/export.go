package audit

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"gridhub/devices/telemetry"
)

// Export writes the chain from an instant on as JSON lines: the signed head,
// then each entry up to the one that the head names, with its hash. It has no
// end of its own: what is left out behind could not be told from what was cut.
func (l *Log) Export(ctx context.Context, w io.Writer, from telemetry.Millis) error {
	if err := l.anchor(ctx); err != nil {
		return err
	}
	signed, err := l.Signed()
	if err != nil {
		return err
	}
	h, err := l.signed()
	if err != nil {
		return err
	}
	after, err := l.before(ctx, from)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(w)
	first, err := json.Marshal(signed)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(out, "{\"head\":%s}\n", first); err != nil {
		return err
	}
	return errors.Join(l.entries(ctx, out, after, h.N), out.Flush())
}

// entries writes those after one number up to another, each byte for byte as it
// was hashed.
func (l *Log) entries(ctx context.Context, out io.Writer, after, last int64) error {
	for after < last {
		rows, err := l.page(ctx, after)
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			return fmt.Errorf("audit: entry %d is not there: nothing whole can be exported", after+1)
		}
		for _, r := range rows {
			if r.N > last {
				return nil
			}
			if _, err := fmt.Fprintf(out, "{\"hash\":%q,\"entry\":%s}\n", r.hash, r.line); err != nil {
				return err
			}
			after = r.N
		}
	}
	return nil
}

// before is the number of the entry before the first that is not older than an
// instant, or of the newest.
func (l *Log) before(ctx context.Context, from telemetry.Millis) (n int64, err error) {
	if from == 0 {
		return 0, nil
	}
	err = l.db.QueryRow(ctx, `SELECT COALESCE((SELECT MIN(n) - 1 FROM audit WHERE at >= ?), (SELECT MAX(n) FROM audit), 0)`, int64(from)).Scan(&n)
	return n, err
}

// maxLine bounds a line of an export: an entry at its longest, each byte of it
// written in six.
const maxLine = 64 << 10

var headPrefix = []byte(`{"head":`)

// IsExport reports whether a file that begins so is an export.
func IsExport(begins []byte) bool { return bytes.HasPrefix(begins, headPrefix) }

// Examine walks an export. open reads a signed head, refusing one that was not
// signed by the key that is trusted. It asks nothing of the hub. The error says
// that the file could not be read.
func Examine(r io.Reader, open func(signed string) (string, error)) (Report, error) {
	lines := bufio.NewReaderSize(r, maxLine)
	first, err := lines.ReadBytes('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return Report{}, err
	}
	h, ok := readHead(first, open)
	if !ok {
		return Report{Fault: &Fault{Code: Head}}, nil
	}
	var w *walker
	for {
		b, err := lines.ReadSlice('\n')
		switch {
		case errors.Is(err, io.EOF) && len(b) == 0:
			if w == nil {
				w = newWalker(1, h)
				w.Last = h.N // nothing happened since the instant that was asked for
			}
			return w.end(), nil
		case err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull):
			return Report{}, err
		}
		row, ok := readLine(b)
		if w == nil {
			w = newWalker(max(row.N, 1), h)
		}
		if !ok || w.Last >= h.N {
			w.fault(w.Last+1, Changed)
		} else {
			w.step(row)
		}
		if w.Fault != nil {
			return w.end(), nil
		}
	}
}

// readHead reads an export's first line.
func readHead(b []byte, open func(string) (string, error)) (head, bool) {
	var first struct {
		Head string `json:"head"`
	}
	if json.Unmarshal(b, &first) != nil {
		return head{}, false
	}
	again, err := json.Marshal(first)
	if err != nil || !bytes.Equal(append(again, '\n'), b) {
		return head{}, false
	}
	text, err := open(first.Head)
	if err != nil {
		return head{}, false
	}
	h, err := parseHead(text)
	return h, err == nil
}

// readLine reads a line as entries wrote it, and nothing else.
func readLine(b []byte) (row, bool) {
	rest, ok1 := bytes.CutPrefix(b, []byte(`{"hash":"`))
	hash, rest, ok2 := bytes.Cut(rest, []byte(`","entry":`))
	line, ok3 := bytes.CutSuffix(rest, []byte("}\n"))
	e, ok4 := parse(line)
	return row{Record: e, line: line, hash: string(hash)}, ok1 && ok2 && ok3 && ok4
}
