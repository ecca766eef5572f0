package hotline

import (
	"testing"
	"time"

	"gridhub/hub/sheets"
)

// FuzzRead holds for any file: no panic, and every row is an order or has a
// fault that says what was wanted.
func FuzzRead(f *testing.F) {
	for _, s := range []string{"工单编号,诉求内容\n1,垃圾\n", "\ufeff工单编号,诉求内容,经度,来电时间,紧急程度\n1,\"x\n2,y,400,99999,急\n", "order;text\n=1+1;@x\n", "工单号\t内容描述\n\t\n"} {
		f.Add([]byte(s))
	}
	l := sheets.Limits{Bytes: 4096, Rows: 50, Columns: 30, Cell: 300}
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := read(data, Default(), time.UTC, l)
		if err != nil {
			return
		}
		for _, row := range r.rows {
			_, faults := r.order(row)
			for _, fault := range r.place(row.Number, faults) {
				if fault.Want == "" || fault.Row != row.Number {
					t.Fatalf("%+v", fault)
				}
			}
		}
	})
}
