package server

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"time"

	"gridhub/configs"
	"gridhub/devices/telemetry"
	"gridhub/hub/broker"
	"gridhub/hub/geo"
	"gridhub/hub/history/influx"
	"gridhub/hub/patrol"
	"gridhub/hub/people"
	"gridhub/hub/rules"
	"gridhub/hub/tasks"
	"gridhub/streams/sfu"
)

// Config is everything that configs/hub.yaml can say. Paths are relative to
// the folder of the file.
type Config struct {
	Data      string        `yaml:"data"`      // folder for everything that must survive
	Street    string        `yaml:"street"`    // folder with street.yaml, grids, roads, staff, routes; empty: a bare hub
	Matters   []string      `yaml:"matters"`   // files and folders
	Rules     []string      `yaml:"rules"`     // files and folders
	Calendars []string      `yaml:"calendars"` // files and folders, besides the shipped years
	Database  string        `yaml:"database"`  // sqlite:FILE or postgres://…; empty: SQLite in the data folder
	HTTP      HTTP          `yaml:"http"`
	MQTT      broker.Config `yaml:"mqtt"`
	Journal   Journal       `yaml:"journal"`
	History   History       `yaml:"history"`
	Media     sfu.Config    `yaml:"media"`
}

// HTTP says where the faces and the API are.
type HTTP struct {
	Address string   `yaml:"address"` // plain, for this machine or a proxy before it; empty: none
	Secure  string   `yaml:"secure"`  // with the street's private CA, for phones; empty: none
	Names   []string `yaml:"names"`   // further names and addresses for the certificate
}

// Journal bounds the intake log.
type Journal struct {
	Max     configs.Size  `yaml:"max"`
	Keep    time.Duration `yaml:"keep"`
	Reserve configs.Size  `yaml:"reserve"`
}

// History says where points go.
type History struct {
	Store     string        `yaml:"store"` // sqlite or influx
	Influx    Influx        `yaml:"influx"`
	Readings  time.Duration `yaml:"keep_readings"`  // 0 = for ever
	Positions time.Duration `yaml:"keep_positions"` // 0 = for ever
}

// Influx says where InfluxDB is.
type Influx struct {
	URL       string        `yaml:"url"`
	Version   int           `yaml:"version"`
	Org       string        `yaml:"org"`
	Bucket    string        `yaml:"bucket"`
	TokenFile string        `yaml:"token_file"`
	Timeout   time.Duration `yaml:"timeout"`
}

// Default is the shipped configuration: everything embedded, plaintext on
// loopback only.
func Default() Config {
	in := influx.Default()
	return Config{
		Data:      "data/hub",
		Matters:   []string{"matters"},
		Rules:     []string{"rules"},
		Calendars: []string{},
		HTTP:      HTTP{Address: "127.0.0.1:8080", Secure: "0.0.0.0:8443", Names: []string{}},
		MQTT:      mqtt(),
		Journal:   Journal{Max: 8 << 30, Keep: 7 * 24 * time.Hour, Reserve: 256 << 20},
		History: History{Store: "sqlite", Positions: 90 * 24 * time.Hour,
			Influx: Influx{URL: in.URL, Version: in.Version, Org: in.Org, Bucket: in.Bucket, Timeout: in.Timeout}},
		Media: sfu.Default(),
	}
}

// mqtt is the broker's own default and the TLS listener for gateways.
func mqtt() broker.Config {
	c := broker.Default()
	c.Listeners = []broker.Listener{
		{Name: "plain", Network: "tcp", Address: "127.0.0.1:1883", Profile: broker.ProfileIdentity},
		{Name: "tls", Network: "tls", Address: "0.0.0.0:8883", Profile: broker.ProfileIdentity},
	}
	return c
}

// Validate reports every mistake at once. The broker's and the media's own are
// asked by the loader.
func (c Config) Validate() error {
	switch c.History.Store {
	case "sqlite", "influx":
	default:
		return configs.Fault("history.store", c.History.Store, "sqlite or influx")
	}
	if c.Data == "" {
		return configs.Fault("data", c.Data, "a folder")
	}
	if c.HTTP.Address == "" && c.HTTP.Secure == "" {
		return configs.Fault("http.address", c.HTTP.Address, "an address here or under secure")
	}
	return nil
}

// Load reads a configuration file over the defaults and makes its paths
// absolute.
func Load(path string) (Config, error) {
	c := Default()
	if err := configs.Load(path, &c); err != nil {
		return Config{}, err
	}
	dir := filepath.Dir(path)
	c.Data = under(dir, c.Data)
	if c.Street != "" {
		c.Street = under(dir, c.Street)
	}
	if c.History.Influx.TokenFile != "" {
		c.History.Influx.TokenFile = under(dir, c.History.Influx.TokenFile)
	}
	for _, list := range [][]string{c.Matters, c.Rules, c.Calendars} {
		for i, p := range list {
			list[i] = under(dir, p)
		}
	}
	return c, nil
}

func under(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// Files are the data files that a configuration names, read and checked.
type Files struct {
	Info        info
	Departments []people.Department
	Staff       []people.Staff
	Routes      []patrol.Route
	Matters     []tasks.Matter
	Rules       []rules.Rule
	Years       []tasks.Year // shipped ones first
	Grids       *geo.Grids
	Roads       *geo.Graph
	raw         map[string][]byte // GeoJSON as it is served
}

type info struct {
	Name     people.Name `yaml:"name"`
	Center   geo.Point   `yaml:"center"`
	Bounds   []float64   `yaml:"bounds"` // west, south, east, north
	TimeZone string      `yaml:"time_zone"`
}

// bare is a street of which nothing is known yet.
func bare() info {
	return info{Name: people.Name{ZH: "未命名街道", EN: "Unnamed street"}, Center: geo.Point{Lon: 116.39, Lat: 39.91},
		Bounds: []float64{116.37, 39.89, 116.41, 39.93}, TimeZone: "Asia/Shanghai"}
}

// ReadFiles reads all data files and reports all their mistakes.
func ReadFiles(c Config) (Files, error) {
	r := reader{files: Files{Info: bare(), raw: map[string][]byte{}}, ruleIn: map[string]string{}}
	if c.Street != "" {
		r.street(c.Street)
	}
	for _, f := range r.expand(c.Matters) {
		var m tasks.Matter
		r.note(configs.ReadFile(f, &m))
		r.files.Matters = append(r.files.Matters, m)
	}
	for _, f := range r.expand(c.Rules) {
		set := ruleFile{reader: &r, file: f}
		r.note(configs.ReadFile(f, &set))
		r.files.Rules = append(r.files.Rules, set.Rules...)
	}
	r.calendars(c.Calendars)
	r.crossCheck()
	return r.files, r.err()
}

// Zone is the street's time zone.
func (f Files) Zone() *time.Location {
	z, err := time.LoadLocation(f.Info.TimeZone)
	if err != nil {
		return time.UTC // crossCheck has refused such a name
	}
	return z
}

// Calendar is when the street's offices work.
func (f Files) Calendar() tasks.Calendar { return tasks.OfficeHours(f.Zone()).With(f.Years...) }

// expand lists files and the YAML files of folders, in order. A default folder
// that does not exist is empty.
func (r *reader) expand(paths []string) []string {
	var out []string
	for _, p := range paths {
		st, err := os.Stat(p)
		switch {
		case err != nil:
			r.note(err)
		case st.IsDir():
			found, _ := filepath.Glob(filepath.Join(p, "*.yaml")) // the pattern is fine
			slices.SortFunc(found, cmp.Compare[string])
			out = append(out, found...)
		default:
			out = append(out, p)
		}
	}
	return out
}

// ages turns durations into the instant before which points are removed; 0
// keeps them.
func before(now time.Time, keep time.Duration) telemetry.Millis {
	if keep == 0 {
		return 0
	}
	return telemetry.At(now.Add(-keep))
}
