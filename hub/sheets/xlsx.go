package sheets

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/xuri/excelize/v2"
)

// maxUnzipped bounds what a workbook may unpack to: a file of a few kilobytes
// can claim gigabytes.
const maxUnzipped = 256 << 20

// readXLSX reads the first sheet. Numbers come as they are stored (long order
// numbers are not rounded), dates as their serial number; see Date. A formula is
// the value that was saved with it.
func readXLSX(data []byte, l Limits) (out []Row, err error) {
	defer func() { // the library indexes into foreign XML
		if p := recover(); p != nil {
			out, err = nil, fmt.Errorf("not a sound XLSX file: %v", p)
		}
	}()
	f, err := excelize.OpenReader(bytes.NewReader(data), excelize.Options{RawCellValue: true,
		UnzipSizeLimit: maxUnzipped, UnzipXMLSizeLimit: 16 << 20})
	if err != nil {
		return nil, fmt.Errorf("not a sound XLSX file: %w", err)
	}
	defer f.Close()
	sheets := f.GetSheetList()
	if len(sheets) == 0 {
		return nil, fmt.Errorf("not a sound XLSX file: no sheet in it")
	}
	rows, err := f.Rows(sheets[0])
	if err != nil {
		return nil, fmt.Errorf("sheet %s: %w", sheets[0], err)
	}
	defer rows.Close()
	return collect(rows, l)
}

func collect(rows *excelize.Rows, l Limits) ([]Row, error) {
	var out []Row
	judge := csvReader{limits: l}
	for n := 1; rows.Next(); n++ {
		cells, err := rows.Columns()
		if err != nil {
			return nil, fmt.Errorf("row %d: %w", n, err)
		}
		if len(cells) > l.Columns {
			return nil, &TooLargeError{"columns", l.Columns}
		}
		r := Row{Number: n}
		for i, c := range cells {
			if r.Broken == "" {
				r.Broken = judge.judge(c, i+1)
			}
			r.Cells = append(r.Cells, clean(digits(c)))
		}
		if r.blank() {
			continue
		}
		if out = append(out, r); len(out) > l.Rows {
			return nil, &TooLargeError{"rows", l.Rows}
		}
	}
	return out, rows.Error()
}

// digits writes out a whole number that is stored as 2.0261123001E+13.
func digits(cell string) string {
	if len(cell) > 30 || !strings.ContainsAny(cell, "eE") || strings.Trim(cell, "0123456789.eE+-") != "" {
		return cell
	}
	v, err := strconv.ParseFloat(cell, 64)
	if err != nil || v != float64(int64(v)) {
		return cell
	}
	return strconv.FormatInt(int64(v), 10)
}

// Date reads the serial number of a day that a sheet stores for a date, in the
// system that counts from 1900. It holds for 1955 to 2118 only, so that no
// other number is taken for a date.
func Date(cell string, zone *time.Location) (time.Time, bool) {
	v, err := strconv.ParseFloat(cell, 64)
	if err != nil || v < 20_000 || v > 80_000 {
		return time.Time{}, false
	}
	t, err := excelize.ExcelDateToTime(v, false)
	if err != nil {
		return time.Time{}, false
	}
	t = t.Round(time.Second)
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, zone), true
}

// Sheet is one table to write. A cell is a string, an int or a float64; nil
// stays empty.
type Sheet struct {
	Name string
	Head []string
	Rows [][]any
}

// WriteXLSX writes a workbook. Texts are written as texts: one that begins like
// a formula is none.
func WriteXLSX(w io.Writer, sheets ...Sheet) error {
	f := excelize.NewFile()
	defer f.Close()
	for i, s := range sheets {
		if err := addSheet(f, i, s); err != nil {
			return fmt.Errorf("sheet %s: %w", s.Name, err)
		}
	}
	return f.Write(w)
}

func addSheet(f *excelize.File, i int, s Sheet) error {
	if i == 0 {
		if err := f.SetSheetName(f.GetSheetName(0), s.Name); err != nil {
			return err
		}
	} else if _, err := f.NewSheet(s.Name); err != nil {
		return err
	}
	w, err := f.NewStreamWriter(s.Name)
	if err != nil {
		return err
	}
	head := make([]any, len(s.Head))
	for i, h := range s.Head {
		head[i] = h
	}
	for i, row := range append([][]any{head}, s.Rows...) {
		if err := w.SetRow("A"+strconv.Itoa(i+1), row); err != nil {
			return err
		}
	}
	return w.Flush()
}
