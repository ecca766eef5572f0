package configs_test

import (
	"errors"
	"fmt"
	"time"

	"gridhub/configs"
)

// Web is what a package owns: its keys, their defaults, their rules.
type Web struct {
	Address string        `yaml:"address"`
	Timeout time.Duration `yaml:"timeout"`
}

// Validate names the key, and what was wanted; the loader knows the line.
func (w Web) Validate() error {
	if w.Timeout < time.Second {
		return configs.Fault("timeout", nil, "a time of at least 1s")
	}
	return nil
}

// Config is what the composition root puts together.
type Config struct {
	HTTP Web `yaml:"http"`
}

func Example() {
	c := Config{HTTP: Web{Address: "127.0.0.1:8080", Timeout: 5 * time.Second}}
	err := configs.Decode("hub.yaml", []byte("http:\n  adress: :80\n  timeout: 10ms\n"), &c)
	fmt.Println(err)

	var problems configs.Problems
	fmt.Println(errors.As(err, &problems), problems[1].Line, problems[1].Key)
	// Output:
	// hub.yaml:2:3: http.adress: :80: not known here, did you mean address?
	// hub.yaml:3:12: http.timeout: 10ms: want a time of at least 1s
	// true 3 http.timeout
}
