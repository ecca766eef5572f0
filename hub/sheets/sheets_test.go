package sheets

import (
	"bytes"
	"encoding/csv"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
)

const table = "工单编号,诉求内容\n1,联通\n2,\"路灯, 不亮\"\n"

func gb(t testing.TB, s string) []byte {
	t.Helper()
	b, err := simplifiedchinese.GB18030.NewEncoder().Bytes([]byte(s))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// cells are the rows without their numbers.
func cells(rows []Row) (out [][]string) {
	for _, r := range rows {
		out = append(out, r.Cells)
	}
	return out
}

var want = [][]string{{"工单编号", "诉求内容"}, {"1", "联通"}, {"2", "路灯, 不亮"}}

func equal(a, b [][]string) bool { return slices.EqualFunc(a, b, slices.Equal[[]string]) }

func TestEncodings(t *testing.T) {
	utf16, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().Bytes([]byte(table))
	if err != nil {
		t.Fatal(err)
	}
	mixed := append(gb(t, "工单编号,诉求内容\n1,联通\n"), "2,\"路灯, 不亮\"\n"...)
	for name, data := range map[string][]byte{
		"utf-8": []byte(table), "utf-8 with mark": []byte("\ufeff" + table), "gb18030": gb(t, table), "utf-16": utf16,
		"two encodings": mixed, "carriage returns": []byte(strings.ReplaceAll(table, "\n", "\r\n")),
		"old mac": []byte(strings.ReplaceAll(table, "\n", "\r")), "no last line end": []byte(strings.TrimSuffix(table, "\n")),
		"semicolons": []byte("工单编号;诉求内容\n1;联通\n2;路灯, 不亮\n"), "tabs": []byte("工单编号\t诉求内容\n1\t联通\n2\t路灯, 不亮\n"),
	} {
		rows, err := Read(data, Default())
		if err != nil || !equal(cells(rows), want) {
			t.Errorf("%s: %q, %v", name, cells(rows), err)
		}
	}
}

func TestABrokenRowCostsItselfOnly(t *testing.T) {
	l := Default()
	l.Cell = 40
	for name, tt := range map[string]struct {
		data   []byte
		broken string
	}{
		"open quote":     {[]byte("a,b\n1,\"never closed\n2,x\n3,y\n" + strings.Repeat("4,zzzzzzz\n", 20)), "closing quote"},
		"long cell":      {[]byte("a,b\n1," + strings.Repeat("x", 41) + "\n2,x\n3,y\n"), "at most 40 bytes"},
		"no such letter": {append(append([]byte("a,b\n1,"), 0x81, 0xff, 0xff), gb(t, "\n2,好\n3,y\n")...), "GB18030"},
	} {
		rows, err := Read(tt.data, l)
		if err != nil || len(rows) < 4 || !strings.Contains(rows[1].Broken, tt.broken) || rows[1].Number != 2 {
			t.Errorf("%s: %+v, %v", name, rows, err)
			continue
		}
		if rows[2].Number != 3 || rows[2].Broken != "" || rows[2].Cells[0] != "2" || rows[3].Cells[1] != "y" {
			t.Errorf("%s: what follows: %+v", name, rows[2:])
		}
	}
}

func TestLimits(t *testing.T) {
	l := Limits{Bytes: 100, Rows: 3, Columns: 4, Cell: 50}
	for name, data := range map[string]string{
		"bytes": strings.Repeat("x", 101), "rows": "a\nb\nc\nd\n", "columns": "1,2,3,4,5\n",
	} {
		var large *TooLargeError
		if _, err := Read([]byte(data), l); !errors.As(err, &large) || large.What != name {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Read(append([]byte{}, oldExcel...), Default()); err == nil || !strings.Contains(err.Error(), ".xlsx") {
		t.Errorf("an old Excel file: %v", err)
	}
	if _, err := Read([]byte("PK\x03\x04 and no workbook"), Default()); err == nil {
		t.Error("a ZIP that is none was read")
	}
}

func TestBothFormatsCarryWhatWasWritten(t *testing.T) {
	s := Sheet{Name: "工单", Head: []string{"编号", "内容", "数"}, Rows: [][]any{
		{"20261123000123456", "=HYPERLINK(\"http://x\")", 1.5}, {"2", "@sum", nil}, {"3", "<script>alert(1)</script>\n二", 7}}}
	var x, c bytes.Buffer
	if err := errors.Join(WriteXLSX(&x, s, Sheet{Name: "two", Head: []string{"a"}}), WriteCSV(&c, s)); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		data    []byte
		formula string
	}{"xlsx": {x.Bytes(), `=HYPERLINK("http://x")`}, "csv": {c.Bytes(), `'=HYPERLINK("http://x")`}} {
		rows, err := Read(tt.data, Default())
		if err != nil || len(rows) != 4 || rows[1].Cells[0] != "20261123000123456" || rows[1].Cells[1] != tt.formula || rows[1].Cells[2] != "1.5" {
			t.Errorf("%s: %q, %v", name, cells(rows), err)
			continue
		}
		if rows[3].Cells[1] != "<script>alert(1)</script>\n二" {
			t.Errorf("%s: a text of two lines: %q", name, rows[3].Cells[1])
		}
	}
}

func TestNumbersOfExcel(t *testing.T) {
	if got := digits("2.0261123001E+13"); got != "20261123001000" {
		t.Errorf("digits: %s", got)
	}
	if got, ok := Date("46349.5", time.UTC); !ok || !got.Equal(time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)) {
		t.Errorf("date: %v %v", got, ok)
	}
	for _, no := range []string{"13800000000", "1", "x", ""} {
		if got, ok := Date(no, time.UTC); ok {
			t.Errorf("%s is no date, got %v", no, got)
		}
	}
	if got := clean(`="00123"`); got != "00123" {
		t.Errorf("clean: %s", got)
	}
}

// FuzzRead holds for any bytes: no panic, rows in order, limits kept. What the
// standard library writes is read back as it was.
func FuzzRead(f *testing.F) {
	for _, s := range []string{table, "\ufeff" + table, "a,\"b\nc\"\"d\"\n", "\"", "\"\"\"", ",,\r\r\n\n", "a;b\tc,d", "PK\x03\x04"} {
		f.Add([]byte(s))
	}
	f.Add(gb(f, table))
	l := Limits{Bytes: 4096, Rows: 100, Columns: 20, Cell: 200}
	f.Fuzz(func(t *testing.T, data []byte) {
		rows, err := Read(data, l)
		last := 0
		for _, r := range rows {
			if r.Number <= last || len(r.Cells) > l.Columns {
				t.Fatalf("row %d after %d with %d cells", r.Number, last, len(r.Cells))
			}
			last = r.Number
		}
		if err != nil || bytes.HasPrefix(data, xlsxMark) {
			return
		}
		var b bytes.Buffer
		w := csv.NewWriter(&b)
		for _, r := range rows {
			if r.Broken != "" || slices.ContainsFunc(r.Cells, func(c string) bool { return clean(c) != c || strings.ContainsAny(c, "\r;\t") }) {
				return
			}
			if err := w.Write(r.Cells); err != nil {
				return
			}
		}
		w.Flush()
		again, err := Read(b.Bytes(), Limits{Bytes: 1 << 20, Rows: 100, Columns: 20, Cell: 1 << 10})
		if err != nil || !equal(cells(again), cells(rows)) {
			t.Fatalf("%q became %q, %v", cells(rows), cells(again), err)
		}
	})
}
