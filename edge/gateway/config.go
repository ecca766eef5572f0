package gateway

import (
	"errors"
	"net"
	"path/filepath"
	"time"

	"gridhub/configs"
	"gridhub/devices"
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
		Poll: Poll{Retries: 2, MaxBackoff: time.Minute},
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
	if len(c.Devices) == 0 {
		errs = append(errs, configs.Fault("devices", nil, "at least one file or folder"))
	}
	return errors.Join(errs...)
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
	if err := configs.Load(path, &c); err != nil {
		return Config{}, err
	}
	c.resolve(filepath.Dir(path))
	return c, nil
}

func (c *Config) resolve(dir string) {
	fix := func(p *string) {
		if *p != "" && !filepath.IsAbs(*p) {
			*p = filepath.Join(dir, *p)
		}
	}
	for i := range c.Profiles {
		fix(&c.Profiles[i])
	}
	for i := range c.Devices {
		fix(&c.Devices[i])
	}
	fix(&c.Data)
	fix(&c.Hub.CA)
	fix(&c.Hub.PasswordFile)
}
