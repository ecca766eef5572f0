package archive

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"path"
	"slices"
	"strings"
	"time"

	"gridhub/devices/telemetry"
	"gridhub/hub/tasks"
)

// paper is what the document shows. Redacted names what is left out of it.
type paper struct {
	Manifest Manifest
	Events   []tasks.Event // with the personal values that may be shown
	Evidence []Listed      // that lies beside the document
	Zone     *time.Location
	Blind    string
	Redacted bool
}

//go:embed document.html
var documentText string

// sheet renders the document: no scripts, no fonts or pictures from elsewhere;
// photos are those in the folder beside it once the case is unpacked.
var sheet = template.Must(template.New("document").Funcs(template.FuncMap{
	"role":     role,
	"event":    func(t tasks.EventType) string { return word(eventWords, t) },
	"source":   func(s string) string { return word(sourceWords, s) },
	"severity": func(s string) string { return word(severityWords, s) },
	"limit":    func(s string) string { return word(limitWords, s) },
	"kind":     func(k tasks.LimitKind) string { return word(kindWords, k) },
	"percent":  func(f float64) string { return fmt.Sprintf("%.1f %%", f*100) },
	"field":    func(s string) string { return fieldWord("zh", s) },
	"picture":  func(l Listed) bool { return slices.Contains([]string{".jpg", ".png", ".webp"}, path.Ext(l.Name)) },
	"short":    func(hash string) string { return hash[:min(16, len(hash))] },
	"join":     func(list []string) string { return strings.Join(list, "、") },
}).Parse(documentText))

// role says as what an event names a department.
func role(e tasks.Event) string {
	switch e.Type {
	case tasks.Ordered:
		return "协办"
	case tasks.Agreed, tasks.Opposed:
		return "会签"
	}
	return "主办"
}

// document renders a paper; the same paper gives the same bytes.
func document(p paper) ([]byte, error) {
	var b bytes.Buffer
	if err := sheet.Execute(&b, p); err != nil {
		return nil, fmt.Errorf("document: %w", err)
	}
	return b.Bytes(), nil
}

// Time writes an instant where the street is; nothing for none.
func (p paper) Time(at telemetry.Millis) string {
	if at == 0 {
		return ""
	}
	return at.Time().In(p.Zone).Format("2006-01-02 15:04:05")
}

// First is the report that opened the case.
func (p paper) First() tasks.Event { return p.Events[0] }

// Hidden lists the personal fields of an event that are committed and not
// shown.
func (p paper) Hidden(e tasks.Event) []string {
	var out []string
	for f, shown := range map[string]string{"reporter": e.Body.Reporter, "text": e.Body.Text, "why": e.Why} {
		if e.Body.Private[f] != "" && shown == "" {
			out = append(out, fieldWord("zh", f))
		}
	}
	slices.Sort(out)
	return out
}

// Place tells a place in degrees.
func (p paper) Place(e tasks.Event) string {
	if e.Place == nil {
		return ""
	}
	return fmt.Sprintf("%.6f, %.6f", e.Place.Lon, e.Place.Lat)
}
