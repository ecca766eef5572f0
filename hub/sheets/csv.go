package sheets

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// readCSV reads RFC 4180 with what people send in its name: any line end, a
// comma, semicolon or tab, quotes in the middle of a cell. A quote that is never
// closed, or only after more than a cell may hold, breaks the line it stands in:
// reading goes on with the next one.
func readCSV(text string, l Limits) ([]Row, error) {
	c := csvReader{text: text, sep: separator(text), limits: l, line: 1}
	var out []Row
	for c.at < len(text) {
		r := c.row()
		if r.blank() {
			continue
		}
		if len(r.Cells) > l.Columns {
			return nil, &TooLargeError{"columns", l.Columns}
		}
		if out = append(out, r); len(out) > l.Rows {
			return nil, &TooLargeError{"rows", l.Rows}
		}
	}
	return out, nil
}

// separator is the one of , ; and tab that the first line has most of.
func separator(text string) byte {
	first, _, _ := strings.Cut(text, "\n")
	best := byte(',')
	for _, s := range []byte{';', '\t'} {
		if strings.Count(first, string(s)) > strings.Count(first, string(best)) {
			best = s
		}
	}
	return best
}

type csvReader struct {
	text   string
	at     int // next byte
	line   int // from 1
	sep    byte
	limits Limits
}

// row reads one record, which may span lines.
func (c *csvReader) row() Row {
	begin, line := c.at, c.line
	r := Row{Number: line}
	for {
		cell, broken := c.cell()
		if broken != "" {
			r.Broken = broken
			c.skip(begin, line)
			return r
		}
		r.Cells = append(r.Cells, clean(cell))
		if r.Broken == "" {
			r.Broken = c.judge(cell, len(r.Cells))
		}
		if len(r.Cells) > c.limits.Columns {
			c.skip(begin, line)
			return r
		}
		if c.at >= len(c.text) || c.ends() {
			return r
		}
		c.at++ // the separator
	}
}

// judge says what is wrong with a cell that could be cut out.
func (c *csvReader) judge(cell string, column int) string {
	switch {
	case len(cell) > c.limits.Cell:
		return fmt.Sprintf("column %d: at most %d bytes in a cell", column, c.limits.Cell)
	case strings.ContainsRune(cell, utf8.RuneError):
		return fmt.Sprintf("column %d: text in UTF-8 or GB18030", column)
	}
	return ""
}

// cell reads up to a separator or a line's end and leaves it unread.
func (c *csvReader) cell() (cell, broken string) {
	if c.at < len(c.text) && c.text[c.at] == '"' {
		return c.quoted()
	}
	return c.bare(), ""
}

// quoted reads a cell in quotes, and what stands behind them up to its end.
func (c *csvReader) quoted() (cell, broken string) {
	var b strings.Builder
	c.at++
	for c.at < len(c.text) {
		ch := c.text[c.at]
		c.at++
		switch {
		case ch == '"' && c.at < len(c.text) && c.text[c.at] == '"':
			c.at++
		case ch == '"':
			return b.String() + c.bare(), ""
		case ch == '\n':
			c.line++
		}
		if b.WriteByte(ch); b.Len() > c.limits.Cell {
			c.at = len(c.text)
		}
	}
	return "", fmt.Sprintf("a closing quote within %d bytes", c.limits.Cell)
}

func (c *csvReader) bare() string {
	begin := c.at
	for c.at < len(c.text) && c.text[c.at] != c.sep && c.text[c.at] != '\n' && c.text[c.at] != '\r' {
		c.at++
	}
	return c.text[begin:c.at]
}

// ends takes a line's end, if there is one: \n, \r\n or \r.
func (c *csvReader) ends() bool {
	switch {
	case c.text[c.at] == '\n':
		c.at++
	case strings.HasPrefix(c.text[c.at:], "\r\n"):
		c.at += 2
	case c.text[c.at] == '\r':
		c.at++
	default:
		return false
	}
	c.line++
	return true
}

// skip goes to the line behind the one that began at begin.
func (c *csvReader) skip(begin, line int) {
	c.at, c.line = len(c.text), line+1
	if n := strings.IndexByte(c.text[begin:], '\n'); n >= 0 {
		c.at = begin + n + 1
	}
}

// clean drops what a cell carries only for Excel's sake: spaces around it and
// the ="…" with which exports keep long numbers.
func clean(cell string) string {
	cell = strings.Trim(cell, " \t\r\n\u00a0\u3000\ufeff")
	if len(cell) >= 3 && strings.HasPrefix(cell, `="`) && strings.HasSuffix(cell, `"`) {
		return cell[2 : len(cell)-1]
	}
	return cell
}
