// Package sheets reads and writes tables that people make in Excel: CSV in the
// encodings that really occur (UTF-8 with and without a mark, UTF-16, GB18030,
// and files in which lines of two encodings were pasted together) and XLSX.
//
// It promises that a broken row costs that row and no other, that every limit
// is stated and named when it is exceeded, and that nothing in a cell is ever
// run: formulas are read as the value that was saved with them and written as
// text. What columns mean belongs to whoever reads the rows.
package sheets

import (
	"bytes"
	"fmt"
	"strings"
)

// Limits bound what is read. A file that exceeds Bytes, Rows or Columns is
// refused as a whole; a cell longer than Cell breaks its row only.
type Limits struct {
	Bytes   int // of the file
	Rows    int
	Columns int
	Cell    int // bytes of one cell, as UTF-8
}

// Default suits a month of a street's hotline.
func Default() Limits {
	return Limits{Bytes: 32 << 20, Rows: 100_000, Columns: 200, Cell: 16 << 10}
}

// Row is one row of a table. Number counts from 1 as the reader's program shows
// it: lines of a CSV file, rows of a sheet. Broken, when not empty, says what
// was wanted instead of what stands there; Cells then holds what was readable.
type Row struct {
	Number int
	Cells  []string
	Broken string
}

// blank reports whether nothing stands in the row.
func (r Row) blank() bool {
	for _, c := range r.Cells {
		if strings.TrimSpace(c) != "" {
			return false
		}
	}
	return r.Broken == ""
}

// TooLargeError names the limit that a file exceeds.
type TooLargeError struct {
	What  string
	Limit int
}

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("the file has more than %d %s: split it", e.Limit, e.What)
}

// xlsxMark begins every ZIP file, and so every XLSX.
var xlsxMark = []byte("PK\x03\x04")

// oldExcel begins the files of Excel before 2007.
var oldExcel = []byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")

// Read returns the rows of a table that are not blank, told apart by its first
// bytes and never by its name. Of an XLSX it reads the first sheet.
func Read(data []byte, l Limits) ([]Row, error) {
	switch {
	case len(data) > l.Bytes:
		return nil, &TooLargeError{"bytes", l.Bytes}
	case bytes.HasPrefix(data, xlsxMark):
		return readXLSX(data, l)
	case bytes.HasPrefix(data, oldExcel):
		return nil, fmt.Errorf("this is an old Excel file (.xls) or one with a password: save it as .xlsx or as CSV")
	}
	return readCSV(Text(data), l)
}
