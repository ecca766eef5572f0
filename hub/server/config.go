package server

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"gridhub/configs"
	"gridhub/devices/telemetry"
	"gridhub/hub/backup"
	"gridhub/hub/broker"
	"gridhub/hub/commands"
	"gridhub/hub/history/influx"
	"gridhub/hub/identity"
	"gridhub/hub/oidc"
	"gridhub/hub/recordings"
	"gridhub/hub/reports"
	"gridhub/streams/relay"
	"gridhub/streams/sfu"
)

// Config is everything that configs/hub.yaml can say. Paths are relative to
// the folder of the file.
type Config struct {
	Data      string          `yaml:"data"`      // folder for everything that must survive
	Street    string          `yaml:"street"`    // folder with street.yaml, grids, roads, staff, routes; empty: a bare hub
	Matters   []string        `yaml:"matters"`   // files and folders
	Rules     []string        `yaml:"rules"`     // files and folders
	Calendars []string        `yaml:"calendars"` // files and folders, besides the shipped years
	Hotline   string          `yaml:"hotline"`   // file with the columns of hotline exports; empty: the usual ones
	Figures   string          `yaml:"figures"`   // file with the formulas; empty: the shipped ones
	Cameras   []string        `yaml:"cameras"`   // files and folders
	Standing  string          `yaml:"standing"`  // file with what the street demands of every matter; empty: the shipped one
	Database  string          `yaml:"database"`  // sqlite:FILE or postgres://…; empty: SQLite in the data folder
	HTTP      HTTP            `yaml:"http"`
	MQTT      broker.Config   `yaml:"mqtt"`
	Journal   Journal         `yaml:"journal"`
	History   History         `yaml:"history"`
	Media     sfu.Config      `yaml:"media"`
	Relay     relay.Config    `yaml:"relay"`
	Backup    backup.Config   `yaml:"backup"`
	Commands  commands.Config `yaml:"commands"`
	Accounts  Accounts        `yaml:"accounts"`
	OIDC      oidc.Config     `yaml:"oidc"`

	Recordings recordings.Config `yaml:"recordings"` // of calls about cases

	Reports []reports.Config `yaml:"reports"` // made regularly, of the figures
}

// Accounts says what signing in demands.
type Accounts struct {
	SecondFactor []identity.Role `yaml:"second_factor"` // who holds one of these roles needs a second factor
}

// Validate reports roles that there are not.
func (a Accounts) Validate() error {
	for i, r := range a.SecondFactor {
		if !slices.Contains(identity.Roles, r) {
			return configs.Fault(fmt.Sprintf("second_factor[%d]", i), r, "one of %v", identity.Roles)
		}
	}
	return nil
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
		Calendars: []string{}, Cameras: []string{},
		HTTP:    HTTP{Address: "127.0.0.1:8080", Secure: "0.0.0.0:8443", Names: []string{}},
		MQTT:    mqtt(),
		Journal: Journal{Max: 8 << 30, Keep: 7 * 24 * time.Hour, Reserve: 256 << 20},
		History: History{Store: "sqlite", Positions: 90 * 24 * time.Hour,
			Influx: Influx{URL: in.URL, Version: in.Version, Org: in.Org, Bucket: in.Bucket, Timeout: in.Timeout}},
		Media: sfu.Default(),
		Relay: relay.Default(), Backup: backup.Default(), Commands: commands.Default(), Accounts: Accounts{SecondFactor: []identity.Role{}}, OIDC: oidc.Default(), Reports: reports.Default(), Recordings: recordings.Default(),
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
	var errs []error
	want := func(ok bool, key string, value any, what string) {
		if !ok {
			errs = append(errs, configs.Fault(key, value, "%s", what))
		}
	}
	want(c.History.Store == "sqlite" || c.History.Store == "influx", "history.store", c.History.Store, "sqlite or influx")
	want(c.Data != "", "data", c.Data, "a folder")
	kind, rest, _ := strings.Cut(c.Database, ":")
	want(c.Database == "" || slices.Contains([]string{"sqlite", "postgres", "postgresql"}, kind) && rest != "", "database", kind+":…",
		"sqlite:FILE or postgres://…") // the rest may hold a password
	want(c.HTTP.Address != "" || c.HTTP.Secure != "", "http.address", c.HTTP.Address, "an address here or under secure")
	errs = append(errs, c.checkReports())
	return errors.Join(append(errs, c.checkAddresses()...)...)
}

// checkAddresses wants every TCP address to be one, and none to be wanted twice.
func (c Config) checkAddresses() (errs []error) {
	taken := map[string]string{}
	claim := func(key, address string) {
		_, port, err := net.SplitHostPort(address)
		other, twice := taken[address]
		switch {
		case address == "":
			return
		case err != nil || port == "":
			errs = append(errs, configs.Fault(key, address, "host:port"))
		case twice && port != "0":
			errs = append(errs, configs.Fault(key, address, "an address of its own, %s has this one already", other))
		}
		taken[address] = key
	}
	claim("http.address", c.HTTP.Address)
	claim("http.secure", c.HTTP.Secure)
	for i, l := range c.MQTT.Listeners {
		if l.Network != "unix" {
			claim(fmt.Sprintf("mqtt.listeners[%d].address", i), l.Address)
		}
	}
	if _, err := netip.ParseAddrPort(c.Media.Address); c.Media.TCP && err == nil {
		claim("media.address", c.Media.Address)
	}
	claim("relay.tcp", c.Relay.TCP)
	claim("relay.tls", c.Relay.TLS)
	return errs
}

// configFile is a configuration with the folder it lies in, from which its
// paths count.
type configFile struct {
	Config `yaml:",inline"`
	dir    string
}

// Validate finds paths that lead nowhere, beside what the configuration finds
// itself.
func (f *configFile) Validate() error {
	errs := []error{f.Config.Validate()}
	exists := func(key, path, what string) {
		if _, err := os.Stat(under(f.dir, path)); path != "" && err != nil {
			errs = append(errs, configs.Fault(key, path, "%s: %v", what, errors.Unwrap(err)))
		}
	}
	exists("street", f.Street, "the folder of a street")
	exists("figures", f.Figures, "a file with formulas")
	exists("standing", f.Standing, "a file with limits and an escalation")
	exists("hotline", f.Hotline, "a file with the columns of hotline exports")
	exists("oidc.secret_file", f.OIDC.SecretFile, "a file with the client's secret")
	exists("history.influx.token_file", f.History.Influx.TokenFile, "a file with the token")
	for key, list := range map[string][]string{"matters": f.Matters, "rules": f.Rules, "calendars": f.Calendars, "cameras": f.Cameras} {
		for i, p := range list {
			exists(fmt.Sprintf("%s[%d]", key, i), p, "a file or a folder")
		}
	}
	return errors.Join(errs...)
}

// Load reads a configuration file over the defaults and makes its paths
// absolute. What it returns beside an error is only good for finding further
// mistakes.
func Load(path string) (Config, error) {
	f := configFile{Config: Default(), dir: filepath.Dir(path)}
	err := configs.Load(path, &f)
	c := f.Config
	c.Data = under(f.dir, c.Data)
	if c.Street != "" {
		c.Street = under(f.dir, c.Street)
	}
	for _, file := range []*string{&c.Hotline, &c.Figures, &c.Standing, &c.Backup.Folder} {
		if *file != "" {
			*file = under(f.dir, *file)
		}
	}
	if c.OIDC.SecretFile != "" {
		c.OIDC.SecretFile = under(f.dir, c.OIDC.SecretFile)
	}
	if c.History.Influx.TokenFile != "" {
		c.History.Influx.TokenFile = under(f.dir, c.History.Influx.TokenFile)
	}
	for _, list := range [][]string{c.Matters, c.Rules, c.Calendars, c.Cameras} {
		for i, p := range list {
			list[i] = under(f.dir, p)
		}
	}
	return c, err
}

// Check finds every mistake of a configuration file and of the files that it
// names. Nothing is started, nothing is written.
func Check(path string) error {
	c, err := Load(path)
	c.Street, c.Hotline, c.Figures, c.Standing = existing(c.Street), existing(c.Hotline), existing(c.Figures), existing(c.Standing)
	c.Matters, c.Rules = slices.DeleteFunc(c.Matters, gone), slices.DeleteFunc(c.Rules, gone)
	c.Calendars, c.Cameras = slices.DeleteFunc(c.Calendars, gone), slices.DeleteFunc(c.Cameras, gone)
	_, more := ReadFiles(c)
	return errors.Join(err, more)
}

// existing drops a path that Load has complained about.
func existing(path string) string {
	if gone(path) {
		return ""
	}
	return path
}

func gone(path string) bool {
	_, err := os.Stat(path)
	return err != nil
}

func under(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// sqlite is the database's file, if it is one of ours.
func (c Config) sqlite() (path string, embedded bool) {
	if c.Database == "" {
		return filepath.Join(c.Data, databaseFile), true
	}
	return strings.CutPrefix(c.Database, "sqlite:")
}

// before turns a duration into the instant before which points are removed; 0
// keeps them.
func before(now time.Time, keep time.Duration) telemetry.Millis {
	if keep == 0 {
		return 0
	}
	return telemetry.At(now.Add(-keep))
}
