// Command load publishes to an MQTT broker as fast as a window of
// unacknowledged messages allows, from many connections, and prints one JSON
// line: how many acknowledgements per second came back and how late.
//
// It writes MQTT 3.1.1 frames by hand, so that on a small machine the broker
// and not the client is what is measured. It leaves out subscribing and QoS 2.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"
)

// A plan is what to send where. In User, Password, ClientID, Topic and Payload
// "{i}" is the connection's number; in Topic and Payload "{id}" is the client
// id. In Payload "{n}" is the message's number on its connection, "{at}" the
// millisecond of that number behind From, "{x}" and "{y}" are readings with a
// decimal that wander between 0 and 100.
type plan struct {
	Address     string
	Connections int
	Messages    int // in all
	Window      int // unacknowledged per connection
	QoS         int
	ClientID    string
	User        string
	Password    string
	Passwords   []string // by connection; before Password
	Topic       string
	Payload     string
	From        int64 // milliseconds since 1970
	Rate        int   // messages per second in all, at most; 0 = as the window allows
	Timeout     time.Duration
}

func main() {
	var p plan
	flag.StringVar(&p.Address, "address", "127.0.0.1:1883", "broker, host:port")
	flag.IntVar(&p.Connections, "connections", 50, "number of clients")
	flag.IntVar(&p.Messages, "messages", 500000, "messages in all")
	flag.IntVar(&p.Window, "window", 100, "unacknowledged messages per client")
	flag.IntVar(&p.QoS, "qos", 1, "0 or 1")
	flag.StringVar(&p.ClientID, "id", "t{i}", "client id")
	flag.StringVar(&p.User, "user", "{id}", "username, empty for none")
	flag.StringVar(&p.Password, "password", "secret", "password, empty for none")
	flag.Func("passwords", "`file` with one password in a line for each client", p.readPasswords)
	flag.StringVar(&p.Topic, "topic", "gh/1/{id}/up/telemetry", "topic")
	flag.StringVar(&p.Payload, "payload", `{"v":1,"seq":{n},"temperature":21.5,"humidity":40}`, "payload")
	flag.Int64Var(&p.From, "from", time.Now().UnixMilli(), "{at} of a client's first message, milliseconds since 1970")
	flag.IntVar(&p.Rate, "rate", 0, "messages per second in all, at most; 0 = as many as go")
	flag.DurationVar(&p.Timeout, "timeout", 5*time.Minute, "give up after")
	flag.Parse()
	res, err := run(p)
	if err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
	_ = json.NewEncoder(os.Stdout).Encode(res)
}

func (p *plan) readPasswords(file string) error {
	b, err := os.ReadFile(file)
	p.Passwords = strings.Fields(string(b))
	return err
}

// password is that of client i.
func (p *plan) password(i int, id string) string {
	if i < len(p.Passwords) {
		return p.Passwords[i]
	}
	return expand(p.Password, i, id)
}

// expand fills in the connection's number and client id.
func expand(pattern string, i int, id string) string {
	return strings.NewReplacer("{i}", fmt.Sprint(i), "{id}", id).Replace(pattern)
}
