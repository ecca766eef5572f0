package people_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"gridhub/hub/people"
	"gridhub/hub/sheets"

	"golang.org/x/text/encoding/simplifiedchinese"
)

var streetKnows = people.Known{Departments: []people.Department{{Code: "CM", Name: people.Name{ZH: "社区", EN: "Community"}}}, Grids: []string{"G01", "G02"}}

const table = `工号,显示名,队伍,部门,网格,技能
p-901,网格员 901,网格员,社区,G01、G02,first-aid
p-902,巡防 902,patrol,CM,,
p-903,,网格员,CM,G01,
p-904,网格员 904,海军,SAN,G09,
p-902,巡防 903,patrol,CM,,
bad id!,网格员 905,网格员,CM,G01,
`

func TestATableOfStaff(t *testing.T) {
	gb, err := simplifiedchinese.GB18030.NewEncoder().Bytes([]byte(table))
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"utf-8": []byte(table), "with a mark": append([]byte("\ufeff"), table...), "gb18030": gb} {
		t.Run(name, func(t *testing.T) {
			b, ctx := open(t), t.Context()
			for _, step := range []struct {
				dry                  bool
				added, changed, same int
			}{{true, 2, 0, 0}, {true, 2, 0, 0}, {false, 2, 0, 0}, {false, 0, 0, 2}} {
				r, err := b.dir.ImportTable(ctx, data, streetKnows, step.dry)
				if err != nil || r.Rows != 6 || r.Added != step.added || r.Changed != step.changed || r.Same != step.same {
					t.Fatalf("%+v: %+v, %v", step, r, err)
				}
				var faults []string
				for _, f := range r.Faults {
					faults = append(faults, fmt.Sprint(f.Row, " ", f.Column))
				}
				if want := []string{"4 显示名", "5 队伍", "5 部门", "5 网格", "6 工号", "7 工号"}; fmt.Sprint(faults) != fmt.Sprint(want) {
					t.Errorf("faults %v, want %v", faults, want)
				}
			}
			s, err := b.dir.Person(ctx, "p-901")
			if err != nil || s.Label.ZH != "网格员 901" || s.Department != "CM" || len(s.Grids) != 2 || s.Force != people.GridForce {
				t.Errorf("%+v, %v", s, err)
			}
		})
	}
}

func TestTheTemplateCanBeImported(t *testing.T) {
	b := open(t)
	var x, c bytes.Buffer
	if err := errors.Join(sheets.WriteXLSX(&x, people.Template()), sheets.WriteCSV(&c, people.Template())); err != nil {
		t.Fatal(err)
	}
	if r, err := b.dir.ImportTable(t.Context(), x.Bytes(), streetKnows, false); err != nil || r.Added != 1 || len(r.Faults) != 0 {
		t.Errorf("as XLSX: %+v, %v", r, err)
	}
	if r, err := b.dir.ImportTable(t.Context(), c.Bytes(), streetKnows, false); err != nil || r.Same != 1 {
		t.Errorf("the same as CSV: %+v, %v", r, err)
	}
	for _, bad := range []string{"", "name,age\nx,3\n", "工号,显示名\np-1,x\n"} {
		if _, err := b.dir.ImportTable(t.Context(), []byte(bad), streetKnows, true); !errors.Is(err, people.ErrInvalid) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func FuzzImportTable(f *testing.F) {
	f.Add([]byte(table))
	f.Add([]byte("工号,显示名,队伍\n\"p-1"))
	f.Add([]byte("PK\x03\x04"))
	b := openFuzz(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := b.ImportTable(t.Context(), data, streetKnows, true)
		if err == nil && r.Added+r.Changed+r.Same > r.Rows {
			t.Errorf("%+v", r)
		}
	})
}
