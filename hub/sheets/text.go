package sheets

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
)

// Text turns a file's bytes into UTF-8. A mark at the beginning decides; then
// valid UTF-8 is UTF-8. What is left is decided line by line, because people
// paste exports of two systems together: a line that is UTF-8 and holds a
// Chinese character in it stays, every other one is read as GB18030. What no
// encoding explains becomes U+FFFD. It never fails.
func Text(data []byte) string {
	switch {
	case bytes.HasPrefix(data, []byte("\xef\xbb\xbf")):
		data = data[3:]
	case bytes.HasPrefix(data, []byte("\xff\xfe")), bytes.HasPrefix(data, []byte("\xfe\xff")):
		return convert(unicode.UTF16(unicode.LittleEndian, unicode.UseBOM), data)
	}
	if utf8.Valid(data) {
		return string(data)
	}
	var out strings.Builder
	out.Grow(len(data) * 3 / 2)
	for line := range bytes.SplitAfterSeq(data, []byte("\n")) {
		if chinese(line) {
			out.Write(line)
		} else {
			out.WriteString(convert(simplifiedchinese.GB18030, line))
		}
	}
	return out.String()
}

func convert(from encoding.Encoding, b []byte) string {
	out, err := from.NewDecoder().Bytes(b)
	if err != nil {
		return strings.ToValidUTF8(string(b), "\ufffd")
	}
	return string(out)
}

// chinese reports whether b is UTF-8 with a character of three bytes or more.
// Short words of GB18030 can look like UTF-8, but then of two bytes a
// character: "联通" is the famous one.
func chinese(b []byte) bool {
	return utf8.Valid(b) && bytes.ContainsFunc(b, func(r rune) bool { return r >= 0x800 })
}
