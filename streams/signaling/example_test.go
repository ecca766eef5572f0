package signaling_test

import (
	"context"
	"log/slog"
	"net/http"

	"gridhub/streams/call"
	"gridhub/streams/sfu"
	"gridhub/streams/signaling"
)

// office is what the hub brings: people, tasks and the message bus.
type office struct{}

func (office) Devices(string) []string                  { return []string{"terminal-7"} }
func (office) Permit(_, _, _ string) error              { return nil }
func (office) Record(context.Context, call.Event) error { return nil }
func (office) Send(string, []byte) error                { return nil }

// A hub makes the media plane, then the service, brings back the calls that
// were live, and then lets clients in: browsers over Handler, terminals over
// Handle, Connected and Gone.
func Example() {
	log := slog.Default()
	media, err := sfu.New(sfu.Default(), log)
	if err != nil {
		return // e.g. the media port is taken
	}
	var hub office
	service, err := signaling.New(signaling.Default(), media, hub, hub, hub, log)
	if err != nil {
		return
	}
	var stored [][]call.Event // the events of every call without an "ended"
	service.Restore(stored...)

	http.Handle("/api/v1/calls", service.Handler(func(*http.Request) (person, device string, err error) {
		return "dispatcher", "desk-1", nil // from the session cookie
	}))
	service.Connected("wang", "terminal-7")                                // its MQTT session began
	service.Handle("wang", "terminal-7", []byte(`{"v":1,"type":"hello"}`)) // on up/call
	service.Gone("wang", "terminal-7")                                     // its MQTT session ended

	ctx, stop := context.WithCancel(context.Background())
	stop()
	_ = service.Run(ctx) // first, so that no call needs media any more
	_ = media.Run(ctx)
}
