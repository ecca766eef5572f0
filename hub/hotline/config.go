package hotline

import (
	"errors"
	"slices"
	"strings"
	"time"

	"gridhub/configs"
)

// Config says how files of the hotline are to be read.
type Config struct {
	Columns     Columns             `yaml:"columns"`
	Severity    map[string][]string `yaml:"severity"`    // severity -> the words for it
	Times       []string            `yaml:"times"`       // layouts, tried in order
	Coordinates string              `yaml:"coordinates"` // wgs84, gcj02 or bd09
	Fallback    string              `yaml:"fallback"`    // matter of a row that no word routes; empty: the row is refused
}

// Columns names, for each field of an order, the headings that stand for it.
// Order and Text must be in every file.
type Columns struct {
	Order    []string `yaml:"order"`
	Text     []string `yaml:"text"`
	Name     []string `yaml:"name"`
	Phone    []string `yaml:"phone"`
	Address  []string `yaml:"address"`
	Grid     []string `yaml:"grid"`
	Matter   []string `yaml:"matter"`
	Severity []string `yaml:"severity"`
	At       []string `yaml:"at"`
	Lon      []string `yaml:"lon"`
	Lat      []string `yaml:"lat"`
}

// Default reads the headings that platforms in Chinese cities use.
func Default() Config {
	return Config{
		Columns: Columns{
			Order:    []string{"工单编号", "工单号", "受理编号", "诉求编号", "编号", "order"},
			Text:     []string{"诉求内容", "问题描述", "主要内容", "工单内容", "内容描述", "text"},
			Name:     []string{"来电人", "来电人姓名", "诉求人", "姓名", "联系人", "name"},
			Phone:    []string{"来电号码", "联系电话", "电话", "手机号", "phone"},
			Address:  []string{"事发地址", "诉求地址", "问题地址", "地址", "发生地点", "address"},
			Grid:     []string{"网格", "所属网格", "grid"},
			Matter:   []string{"事项", "事项编码", "诉求类别", "问题分类", "matter"},
			Severity: []string{"紧急程度", "severity"},
			At:       []string{"来电时间", "受理时间", "诉求时间", "登记时间", "time"},
			Lon:      []string{"经度", "lon"},
			Lat:      []string{"纬度", "lat"},
		},
		Severity:    map[string][]string{"critical": {"特急", "特别紧急"}, "major": {"紧急", "加急"}, "minor": {"一般", "普通"}},
		Times:       []string{"2006-01-02 15:04:05", "2006-01-02 15:04", "2006/1/2 15:04:05", "2006/1/2 15:04", "2006年1月2日 15:04", "2006-01-02", "2006/1/2", "2006-01-02T15:04:05Z07:00"},
		Coordinates: "wgs84",
	}
}

// severities are those that a case may have.
var severities = []string{"info", "minor", "major", "critical"}

// Validate reports every mistake at once.
func (c Config) Validate() error {
	var errs []error
	want := func(ok bool, key string, value any, what string) {
		if !ok {
			errs = append(errs, configs.Fault(key, value, "%s", what))
		}
	}
	want(len(c.Columns.Order) > 0, "columns.order", "", "at least one heading: the order's number is its identity")
	want(len(c.Columns.Text) > 0, "columns.text", "", "at least one heading")
	want(slices.Contains([]string{"wgs84", "gcj02", "bd09"}, c.Coordinates), "coordinates", c.Coordinates, "wgs84, gcj02 or bd09")
	for s := range c.Severity {
		want(slices.Contains(severities, s), "severity."+s, s, "one of "+strings.Join(severities, ", "))
	}
	taken := map[string]string{}
	for _, f := range fields {
		for _, h := range f.headings(&c.Columns) {
			other, twice := taken[key(h)]
			want(!twice, "columns."+f.name, h, "a heading that no other column has, "+other+" has it already")
			taken[key(h)] = f.name
		}
	}
	for _, t := range c.Times {
		_, err := time.Parse(t, time.Date(2006, 1, 2, 15, 4, 5, 0, time.UTC).Format(t))
		want(err == nil && strings.Contains(t, "2006"), "times", t, "a layout such as 2006-01-02 15:04")
	}
	return errors.Join(errs...)
}

// field is one of an order's, with where its headings stand and how a cell
// fills it.
type field struct {
	name     string
	headings func(*Columns) []string
	fill     func(*reader, *Order, string) (want string)
}

func text(into func(*Order) *string) func(*reader, *Order, string) string {
	return func(_ *reader, o *Order, cell string) string {
		*into(o) = cell
		return ""
	}
}

var fields = []field{
	{"order", func(c *Columns) []string { return c.Order }, text(func(o *Order) *string { return &o.Number })},
	{"text", func(c *Columns) []string { return c.Text }, text(func(o *Order) *string { return &o.Text })},
	{"name", func(c *Columns) []string { return c.Name }, text(func(o *Order) *string { return &o.Name })},
	{"phone", func(c *Columns) []string { return c.Phone }, text(func(o *Order) *string { return &o.Phone })},
	{"address", func(c *Columns) []string { return c.Address }, text(func(o *Order) *string { return &o.Address })},
	{"grid", func(c *Columns) []string { return c.Grid }, text(func(o *Order) *string { return &o.Grid })},
	{"matter", func(c *Columns) []string { return c.Matter }, text(func(o *Order) *string { return &o.Matter })},
	{"severity", func(c *Columns) []string { return c.Severity }, (*reader).severity},
	{"at", func(c *Columns) []string { return c.At }, (*reader).time},
	{"lon", func(c *Columns) []string { return c.Lon }, degrees(func(o *Order) *float64 { return &o.Lon }, 180)},
	{"lat", func(c *Columns) []string { return c.Lat }, degrees(func(o *Order) *float64 { return &o.Lat }, 90)},
}

// key is a heading without what differs from file to file: spaces, case, a mark
// that the column is required, what stands in brackets.
func key(heading string) string {
	h := strings.ToLower(strings.Join(strings.Fields(heading), ""))
	h = strings.NewReplacer("（", "(", "*", "", "：", "", ":", "").Replace(h)
	h, _, _ = strings.Cut(h, "(")
	return h
}
