package uplink

import (
	"errors"
	"net"
	"net/url"
	"time"

	"gridhub/configs"
)

// Config says where the hub is and how to talk to it.
type Config struct {
	URL          string        `yaml:"url"`           // ssl://host:8883, or tcp://127.0.0.1:1883 on this machine
	CA           string        `yaml:"ca"`            // PEM file of the authority that signed the hub's certificate; empty = the system's
	Username     string        `yaml:"username"`      // empty = the gateway's id
	PasswordFile string        `yaml:"password_file"` // file with the secret, one line; empty = none
	KeepAlive    time.Duration `yaml:"keep_alive"`    // silence after which both sides ask whether the other is there
	BatchRecords int           `yaml:"batch_records"` // most records in one message
	Linger       time.Duration `yaml:"linger"`        // how long a fresh reading waits for others to share a message
	Resend       time.Duration `yaml:"resend"`        // after this time without acknowledgement a record is sent again
	BacklogRate  int           `yaml:"backlog_rate"`  // records per second of what waited; fresh ones are not limited
	Encoding     Encoding      `yaml:"encoding"`      // of batches
}

// Default returns what configs/edge.yaml says.
func Default() Config {
	return Config{
		URL: "tcp://127.0.0.1:1883", KeepAlive: 30 * time.Second, BatchRecords: 200,
		Linger: 200 * time.Millisecond, Resend: 20 * time.Second, BacklogRate: 2000, Encoding: JSON,
	}
}

// Validate checks each key; plaintext is for this machine only.
func (c Config) Validate() error {
	var errs []error
	add := func(bad bool, key, want string) {
		if bad {
			errs = append(errs, configs.Fault(key, nil, "%s", want))
		}
	}
	u, err := url.Parse(c.URL)
	switch {
	case err != nil || u.Hostname() == "" || u.Port() == "" || u.Scheme != "tcp" && u.Scheme != "ssl":
		add(true, "url", "ssl://host:port, or tcp://127.0.0.1:port on this machine")
	case u.Scheme == "tcp" && !loopback(u.Hostname()):
		add(true, "url", "ssl:// for another machine: tcp:// is readable on the way")
	}
	add(c.KeepAlive < time.Second || c.KeepAlive > time.Hour, "keep_alive", "a time from 1s to 1h")
	add(c.BatchRecords < 1 || c.BatchRecords > 1000, "batch_records", "a number from 1 to 1000")
	add(c.Linger < 0 || c.Linger > time.Minute, "linger", "a time up to 1m")
	add(c.Resend < time.Second || c.Resend > time.Hour, "resend", "a time from 1s to 1h")
	add(c.BacklogRate < 1, "backlog_rate", "1 or more records per second")
	add(c.Encoding != JSON && c.Encoding != CBOR, "encoding", "json or cbor")
	return errors.Join(errs...)
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
