package main

import (
	"bytes"
	"fmt"
	"strings"
)

func streetFile(t *terrain) file {
	west, south, east, north := t.bounds()
	c := center
	return file{"street.yaml", fmt.Appendf(nil, `# The demo street: an invented sub-district. Made by scripts/demostreet; edit
# the program, not this file.
name: {zh: 澄湾街道, en: Chengwan Sub-district}
center: {lon: %.6f, lat: %.6f}            # where the map starts, WGS-84 degrees
bounds: [%.6f, %.6f, %.6f, %.6f] # west, south, east, north
time_zone: Asia/Shanghai                    # days, shifts and limits count in it
leader: p-%03d                               # told last when a limit has passed
`, c.Lon, c.Lat, west, south, east, north, firstCadre)}
}

// bounds are those of all nodes, as west, south, east, north.
func (t *terrain) bounds() (west, south, east, north float64) {
	west, south, east, north = 180, 90, -180, -90
	for i := range columns {
		for j := range rows {
			p := t.nodes[i][j].point()
			west, east = min(west, p.Lon), max(east, p.Lon)
			south, north = min(south, p.Lat), max(north, p.Lat)
		}
	}
	return
}

// department is one of the matter files' departments, with the cadres that
// the demo street has in it and what they are trained in.
type department struct {
	code   string
	name   name
	cadres int
	skills string
}

var departments = []department{
	{"UM", name{"综合行政执法", "Urban management"}, 14, "enforcement"},
	{"SAN", name{"环境卫生", "Sanitation"}, 8, ""},
	{"MU", name{"市政设施", "Municipal works"}, 8, "manhole"},
	{"GR", name{"园林绿化", "Greenery"}, 5, ""},
	{"CA", name{"民生服务", "Civil affairs"}, 7, "elderly-care"},
	{"PS", name{"平安综治", "Public safety"}, 8, "mediation"},
	{"ES", name{"应急管理", "Emergency services"}, 10, "fire, first-aid, gas"},
	{"EP", name{"生态环境", "Environment"}, 6, "noise, air"},
	{"CM", name{"社区", "Communities"}, 6, "mediation"},
	{"PO", name{"派出所", "Police station"}, 5, "first-aid"},
	{"TP", name{"交警", "Traffic police"}, 4, "traffic"},
	{"FR", name{"消防救援", "Fire and rescue"}, 4, "fire, first-aid"},
	{"MK", name{"市场监管", "Market supervision"}, 5, ""},
	{"HS", name{"卫生健康", "Health"}, 4, "first-aid"},
	{"JU", name{"司法", "Justice"}, 3, "mediation"},
	{"WA", name{"水务", "Water"}, 5, "water"},
	{"HC", name{"住房建设", "Housing and construction"}, 4, ""},
	{"PM", name{"物业", "Property management"}, 0, ""},
	{"UT", name{"水电气公用", "Utilities"}, 2, "gas, electric"},
}

func departmentsFile() file {
	var b bytes.Buffer
	b.WriteString("# The departments that handle cases; the codes are those of configs/matters.\n# When a limit has passed, first the lead is told, later the head.\ndepartments:\n")
	n := firstCadre
	for i, d := range departments {
		head := n
		if i == 0 {
			head++ // the first of all is the street's leader
		}
		fmt.Fprintf(&b, "  - {code: %s, name: {zh: %s, en: %s}", d.code, d.name.zh, d.name.en)
		if d.cadres > 1 {
			fmt.Fprintf(&b, ", lead: p-%03d, head: p-%03d", head+1, head)
		}
		b.WriteString("}\n")
		n += d.cadres
	}
	return file{"departments.yaml", b.Bytes()}
}

// The forces of the street, 346 people in all, known by number.
const (
	gridMembers    = 146
	patrolMembers  = 21
	communityStaff = 71

	firstCadre = gridMembers + patrolMembers + communityStaff + 1
)

// staffWriter numbers people through all forces: a number said on the radio
// means one person.
type staffWriter struct {
	bytes.Buffer
	n int
}

func (w *staffWriter) add(title name, force, department, grids, skills string) {
	w.n++
	fmt.Fprintf(w, "  - {id: p-%03d, label: {zh: %s %03d, en: %s %03d}, force: %s, department: %s, grids: [%s], skills: [%s]}\n",
		w.n, title.zh, w.n, title.en, w.n, force, department, grids, skills)
}

func staffFile(g *grids) file {
	w := &staffWriter{}
	w.WriteString("# 346 people by number, not by name: grid members 001 to 146, patrol 147 to\n# 167, communities 168 to 238, cadres 239 to 346.\nstaff:\n")
	n := len(gridNames)
	for k := range gridMembers {
		skills := []string{"", "first-aid", "", "elderly-care", "", "mediation"}[k/n%6]
		w.add(name{"网格员", "Grid member"}, "grid", "CM", code(k%n), skills)
	}
	for k := range patrolMembers {
		pair := []string{code(k * 2 % n), code((k*2 + 1) % n)}
		w.add(name{"巡防队员", "Patrol member"}, "patrol", "PS", strings.Join(pair, ", "), []string{"first-aid", "fire", "traffic"}[k%3])
	}
	for k := range communityStaff {
		w.add(name{"社区工作者", "Community worker"}, "community", "CM", code(k%n), []string{"mediation", "elderly-care", ""}[k%3])
	}
	for _, d := range departments {
		for range d.cadres {
			w.add(name{"街道干部", "Cadre"}, "cadre", d.code, "", d.skills)
		}
	}
	return file{"staff.yaml", w.Bytes()}
}
