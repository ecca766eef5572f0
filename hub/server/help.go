package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"gridhub/devices/telemetry"
	"gridhub/hub/geo"
	"gridhub/hub/identity"
	"gridhub/hub/intake"
	"gridhub/hub/tasks"
)

// A call for help comes on two ways, so that one is enough: as an event over
// MQTT, and as a report over HTTP out of the handheld's outbox. Who called, and
// the instant of the press, name the call: both ways, and every repeat of
// either, lead to the one case.
const (
	sosEvent  = "sos"
	sosMatter = "SZ03" // 人员聚集安全风险: a person in danger, ten minutes to arrive
	urgent    = "critical"
	sosTitle  = "SOS 人员求助"
)

// sosReport is the id of the report that a press makes.
func sosReport(who string, at telemetry.Millis) string { return fmt.Sprintf("sos/%s/%d", who, at) }

// isSOS tells the handheld's report of a press from other reports.
func isSOS(who identity.Principal, r tasks.Report) bool {
	return who.Person != "" && r.Source == tasks.SOS && r.At > 0
}

// helpline brings calls for help into the pool.
type helpline struct{ h *Hub }

// Happened makes the case of an SOS; other events are not for the pool. What
// the pool refuses it would refuse for ever: it is said, and not tried again.
func (l helpline) Happened(ctx context.Context, e intake.Happening) error {
	if e.Type != sosEvent {
		return nil
	}
	who, subject, label := l.caller(ctx, e)
	at := e.At
	if at == 0 {
		at = e.Time
	}
	r := tasks.Report{ID: sosReport(subject, at), Matter: sosMatter, Source: tasks.SOS, Severity: urgent, At: at,
		Title: sosTitle + " " + label, Text: e.Text, Place: geo.Point{Lon: e.Lon, Lat: e.Lat}}
	if who.Person == "" {
		r.Device = subject
	}
	if who.Person == "" && !r.Place.Valid() {
		r.Place = l.h.standing(e.Device)
	}
	_, err := intakeDesk{l.h.pool, l.h}.Report(ctx, who, r)
	var refused *tasks.RefusedError
	if errors.As(err, &refused) {
		l.h.log.Error("a call for help made no case", "device", e.Device, "person", who.Person, "error", err)
		return nil
	}
	return err
}

// caller says who pressed: the person whose terminal it is, else the device.
func (l helpline) caller(ctx context.Context, e intake.Happening) (who identity.Principal, subject, label string) {
	who = identity.System
	person, bound := l.h.registry.Carrier(e.Device, e.Time)
	if !bound {
		return who, string(e.Device), cmp.Or(l.h.registry.Hold(e.Device).Vehicle, string(e.Device))
	}
	who.Person, label = person, string(person)
	if s, err := l.h.staff.Person(ctx, person); err == nil {
		label = s.Label.ZH
	}
	return who, string(person), label
}
