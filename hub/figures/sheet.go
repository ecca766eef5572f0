package figures

import (
	"context"
	"slices"

	"gridhub/devices/telemetry"
	"gridhub/hub/sheets"
)

// heads are what people call the counts that a sheet shows, in its order.
var heads = []struct{ count, name string }{
	{"reported", "上报"}, {"filed", "立案"}, {"due", "应结"}, {"closed", "结案"}, {"disposed", "处置"}, {"rework", "返工"}, {"suspended", "挂账"},
	{"hotline", "热线"}, {"held", "持有"}, {"passed", "推诿"}, {"to_and_fro", "往返"},
}

// cuts are what people call what a table is cut by.
var cuts = map[string]string{"matter": "事项", "grid": "网格", "department": "部门", "person": "人员", "source": "来源",
	"day": "日", "week": "周", "month": "月", "daykind": "日型"}

// Sheet is the table as people read it, the total in the last line.
func (b *Board) Sheet(t Table) sheets.Sheet {
	v := b.o.Definitions.At(t.From.Time().In(b.o.Zone))
	s := sheets.Sheet{Name: "按" + cuts[t.By], Head: []string{cuts[t.By]}}
	for _, h := range heads {
		s.Head = append(s.Head, h.name)
	}
	for _, r := range v.Rates {
		s.Head = append(s.Head, r.Name.ZH+" %", r.Name.ZH+" 下限", r.Name.ZH+" 上限")
	}
	for _, what := range []string{"响应", "结案", "处置", "挂账", "持有", "推诿耽误"} {
		s.Head = append(s.Head, what+"中位 h", what+"九成 h")
	}
	for _, row := range t.Rows {
		s.Rows = append(s.Rows, row.cells(b.name(t.By, row.Key)))
	}
	s.Rows = append(s.Rows, t.Total.cells("合计 (v"+t.Version+")"))
	return s
}

// name is what people call a line.
func (b *Board) name(by, key string) string {
	if key == "" {
		return "未知"
	}
	if b.o.Name == nil {
		return key
	}
	return b.o.Name(by, key)
}

func (r Row) cells(name string) []any {
	out := []any{name}
	for _, h := range heads {
		out = append(out, r.Counts[h.count])
	}
	for _, s := range r.Rates {
		if s.Among == 0 {
			out = append(out, nil, nil, nil)
		} else {
			out = append(out, s.Value, s.Low, s.High)
		}
	}
	for _, t := range []Times{r.Response, r.Close, r.Handling, r.Paused, r.Held, r.Lost} {
		if t.N == 0 {
			out = append(out, nil, nil)
		} else {
			out = append(out, hundredth(t.Median/3600), hundredth(t.P90/3600))
		}
	}
	return out
}

// Counted is the sheet of a period, and the version of the definitions by which
// it was counted.
func (b *Board) Counted(ctx context.Context, from, to telemetry.Millis, by string) (sheets.Sheet, string, error) {
	t, err := b.Table(ctx, from, to, by)
	if err != nil {
		return sheets.Sheet{}, "", err
	}
	return b.Sheet(t), t.Version, nil
}

// Cut reports whether a table can be cut by something.
func Cut(by string) bool { return slices.Contains(Dimensions, by) }
