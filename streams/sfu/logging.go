package sfu

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/pion/logging"
)

// mediaLog hands pion's log lines to slog. Its Info and below are the running
// commentary of a protocol and become Debug; its Error is at most one peer's
// trouble, so nobody has to act: Warn.
type mediaLog struct {
	log   *slog.Logger
	scope string
}

// NewLogger implements logging.LoggerFactory.
func (m mediaLog) NewLogger(scope string) logging.LeveledLogger {
	return mediaLog{m.log, scope}
}

func (m mediaLog) say(level slog.Level, detail string) {
	m.log.Log(context.Background(), level, "media library", "scope", m.scope, "detail", detail)
}

func (m mediaLog) sayf(level slog.Level, format string, args []any) {
	if m.log.Enabled(context.Background(), level) {
		m.say(level, fmt.Sprintf(format, args...))
	}
}

func (m mediaLog) Trace(string)          {}
func (m mediaLog) Tracef(string, ...any) {}
func (m mediaLog) Debug(string)          {}
func (m mediaLog) Debugf(string, ...any) {}
func (m mediaLog) Info(s string)         { m.say(slog.LevelDebug, s) }
func (m mediaLog) Warn(s string)         { m.say(slog.LevelDebug, s) }
func (m mediaLog) Error(s string)        { m.say(slog.LevelWarn, s) }

func (m mediaLog) Infof(f string, a ...any)  { m.sayf(slog.LevelDebug, f, a) }
func (m mediaLog) Warnf(f string, a ...any)  { m.sayf(slog.LevelDebug, f, a) }
func (m mediaLog) Errorf(f string, a ...any) { m.sayf(slog.LevelWarn, f, a) }
