package sfu

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/pion/logging"
)

// mediaLog hands pion's log lines to slog, all as Debug: they are the running
// commentary of a protocol, and even its errors (a write after a hang-up) are
// at most one peer's trouble, which this package reports in its own words.
type mediaLog struct {
	log   *slog.Logger
	scope string
}

// NewLogger implements logging.LoggerFactory.
func (m mediaLog) NewLogger(scope string) logging.LeveledLogger {
	return mediaLog{m.log, scope}
}

func (m mediaLog) say(detail string) {
	m.log.Debug("media library", "scope", m.scope, "detail", detail)
}

func (m mediaLog) sayf(format string, args []any) {
	if m.log.Enabled(context.Background(), slog.LevelDebug) {
		m.say(fmt.Sprintf(format, args...))
	}
}

func (m mediaLog) Trace(string)          {}
func (m mediaLog) Tracef(string, ...any) {}
func (m mediaLog) Debug(string)          {}
func (m mediaLog) Debugf(string, ...any) {}
func (m mediaLog) Info(s string)         { m.say(s) }
func (m mediaLog) Warn(s string)         { m.say(s) }
func (m mediaLog) Error(s string)        { m.say(s) }

func (m mediaLog) Infof(f string, a ...any)  { m.sayf(f, a) }
func (m mediaLog) Warnf(f string, a ...any)  { m.sayf(f, a) }
func (m mediaLog) Errorf(f string, a ...any) { m.sayf(f, a) }
