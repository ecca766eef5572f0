package codec

import "strings"

// units are how other products spell what we spell as UCUM and SenML do, see
// wire.Metric.
var units = map[string]string{
	"°C": "Cel", "ºC": "Cel", "C": "Cel", "degC": "Cel", "℃": "Cel", "°F": "[degF]", "degF": "[degF]",
	"°": "deg", "kWh": "kW.h", "Wh": "W.h", "VAh": "VA.h", "kVAh": "kVA.h", "varh": "var.h", "kvarh": "kvar.h", "Ah": "A.h",
	"µg/m³": "ug/m3", "μg/m³": "ug/m3", "ug/m³": "ug/m3", "mg/m³": "mg/m3", "m³": "m3", "m³/h": "m3/h", "ft³": "ft3", "m²": "m2",
	"dBA": "dB(A)", "µS/cm": "uS/cm", "μS/cm": "uS/cm", "W/m²": "W/m2", "m/s²": "m/s2", "rpm": "1/min",
}

// UnitOf returns our spelling of a unit; one that is not known stays as it is,
// without what could not be shown.
func UnitOf(foreign string) string {
	u := strings.TrimSpace(foreign)
	if ours, known := units[u]; known {
		return ours
	}
	u = strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f {
			return -1
		}
		return c
	}, strings.ToValidUTF8(u, ""))
	if len(u) > MaxMetric {
		return ""
	}
	return u
}
