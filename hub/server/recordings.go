package server

import (
	"context"
	"path/filepath"

	"gridhub/hub/audit"
	"gridhub/hub/identity"
	"gridhub/hub/recordings"
	"gridhub/streams/call"
)

// openRecordings goes on with the recordings of calls that are not over.
func (h *Hub) openRecordings(ctx context.Context, unfinished [][]call.Event) error {
	var err error
	h.recordings, err = recordings.Open(ctx, h.db, recordings.Options{Folder: filepath.Join(h.cfg.Data, recordingsFolder), Rooms: h.media,
		Pool: h.pool, Keep: h.cfg.Recordings, Clock: h.now, Log: h.log,
		Audit: func(ctx context.Context, who identity.Principal, act, subject, reason, from string) error {
			return h.audit.Append(ctx, audit.Entry{Account: who.Account, Person: string(who.Person), Act: act, Subject: subject, Reason: reason, From: from})
		}})
	if err != nil {
		return err
	}
	h.signaling.Announce(h.recordings.Told)
	return h.recordings.Restore(ctx, unfinished...)
}

// recordingsFolder is where recordings lie, below the data folder.
const recordingsFolder = "recordings"

// recorded stores the events of calls and lets the recordings follow them.
type recorded struct{ h *Hub }

func (r recorded) Record(ctx context.Context, e call.Event) error {
	err := r.h.callLog.Record(ctx, e)
	r.h.recordings.Follow(ctx, e)
	return err
}
