package gateway

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"gridhub/configs"
	"gridhub/devices"
	"gridhub/edge/commands"
	"gridhub/edge/uplink"
)

// Config is everything that configs/edge.yaml can say.
type Config struct {
	ID       devices.ID         `yaml:"id"`       // this gateway's identity at the hub
	Data     string             `yaml:"data"`     // folder for what must survive a restart
	Profiles []string           `yaml:"profiles"` // files and folders that say what models of devices are like
	Devices  []string           `yaml:"devices"`  // files and folders that say which devices hang where
	Hub      uplink.Config      `yaml:"hub"`
	Spool    uplink.SpoolConfig `yaml:"spool"`
	Poll     Poll               `yaml:"poll"`
	HTTP     HTTP               `yaml:"http"`
	Owner    Owner              `yaml:"owner"` // whose the device files are

	file string // where all this was read; empty: nowhere
	dir  string // of the file; relative paths begin there
	text []byte // of the file, as it was read
}

// Poll tunes the reading of devices.
type Poll struct {
	Retries    int           `yaml:"retries"`     // attempts more for a device that answered the last time
	MaxBackoff time.Duration `yaml:"max_backoff"` // longest pause of a device that does not answer
}

// HTTP is where the gateway tells how it is.
type HTTP struct {
	Address string `yaml:"address"` // host:port on this machine; empty = nowhere
}

// Default returns what configs/edge.yaml says.
func Default() Config {
	return Config{
		ID: "edge-1", Data: "data/edge", Profiles: []string{"profiles"}, Devices: []string{"devices"},
		Hub: uplink.Default(), Spool: uplink.DefaultSpool(),
		Poll: Poll{Retries: 2, MaxBackoff: time.Minute}, Owner: OwnGateway,
	}
}

// Validate checks what belongs to no other package.
func (c Config) Validate() error {
	var errs []error
	if _, err := devices.ParseID(string(c.ID)); err != nil {
		errs = append(errs, configs.Fault("id", nil, "1 to %d of a-z 0-9 - _ . that begin with a letter or digit", devices.MaxID))
	}
	if c.Data == "" {
		errs = append(errs, configs.Fault("data", nil, "a folder"))
	}
	if len(c.Profiles) == 0 {
		errs = append(errs, configs.Fault("profiles", nil, "at least one file or folder"))
	}
	if c.Owner != OwnGateway && c.Owner != OwnHub {
		errs = append(errs, configs.Fault("owner", nil, "gateway or hub"))
	}
	if len(c.Devices) == 0 && c.Owner != OwnHub {
		errs = append(errs, configs.Fault("devices", nil, "at least one file or folder"))
	}
	return errors.Join(append(errs, c.checkFiles()...)...)
}

// checkFiles looks whether the files that are named are there. What profiles
// and device files say is checked by those who load them.
func (c Config) checkFiles() (errs []error) {
	look := func(key, path string, read func(string) error) {
		if path == "" {
			return
		}
		if err := read(c.path(path)); err != nil {
			errs = append(errs, configs.Fault(key, path, "%s", err))
		}
	}
	exists := func(path string) error {
		if _, err := os.Stat(path); err != nil {
			return errors.New("a file or folder that is there")
		}
		return nil
	}
	for i, p := range c.Profiles {
		look(fmt.Sprintf("profiles[%d]", i), p, exists)
	}
	for i, p := range c.Devices {
		if c.Owner == OwnHub {
			look(fmt.Sprintf("devices[%d]", i), p, absent)
			continue
		}
		look(fmt.Sprintf("devices[%d]", i), p, exists)
	}
	look("hub.ca", c.Hub.CA, uplink.CheckCA)
	look("hub.password_file", c.Hub.PasswordFile, uplink.CheckSecret)
	look("hub.command_keys", c.Hub.CommandKeys, commands.CheckKeys)
	return errs
}

// Validate checks the limits of polling.
func (p Poll) Validate() error {
	var errs []error
	if p.Retries < 0 || p.Retries > 2 {
		errs = append(errs, configs.Fault("retries", nil, "0, 1 or 2"))
	}
	if p.MaxBackoff < time.Second || p.MaxBackoff > time.Hour {
		errs = append(errs, configs.Fault("max_backoff", nil, "a time from 1s to 1h"))
	}
	return errors.Join(errs...)
}

// Validate keeps the page on this machine: it asks for no password.
func (h HTTP) Validate() error {
	if h.Address == "" {
		return nil
	}
	host, _, err := net.SplitHostPort(h.Address)
	ip := net.ParseIP(host)
	if err != nil || host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return configs.Fault("address", nil, "host:port of this machine only, such as 127.0.0.1:9180, or nothing")
	}
	return nil
}

// Load reads a configuration file over Default. Profiles, devices and the
// data folder are looked for beside the file unless their paths are absolute.
func Load(path string) (Config, error) {
	c := Default()
	c.file, c.dir = path, filepath.Dir(path)
	if err := configs.Load(path, &c); err != nil {
		return Config{}, err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return Config{}, err
	}
	c.text = text
	return c, nil
}

// path is p as the configuration's file means it.
func (c Config) path(p string) string {
	if p == "" || filepath.IsAbs(p) {
		return p
	}
	return filepath.Join(c.dir, p)
}

// paths is path for several.
func (c Config) paths(list []string) []string {
	all := make([]string, len(list))
	for i, p := range list {
		all[i] = c.path(p)
	}
	return all
}
