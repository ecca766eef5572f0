package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"gridhub/hub/identity"
	"gridhub/hub/recordings"
	"gridhub/streams/record"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// Recordings has the recorded calls. Play records who plays before it gives
// out the ticket that Part wants. Errors: recordings.ErrNotFound, ErrState.
type Recordings interface {
	OfCase(ctx context.Context, id identity.CaseID) ([]recordings.Recording, error)
	Book(ctx context.Context, call string) (recordings.Recording, *record.Book, error)
	Play(ctx context.Context, who identity.Principal, call, reason, from string) (ticket string, err error)
	Part(ctx context.Context, who identity.Principal, call, part, ticket string) (*record.View, error)
	Begin(ctx context.Context, who identity.Principal, call, from string) error
}

// players may play recordings: who decides about the case, and who answers for
// how that is done. Those who took part ask them.
var players = []identity.Role{identity.Dispatcher, identity.Head, identity.Auditor}

type recordingInput struct {
	Call string `path:"call" maxLength:"64" pattern:"^[A-Za-z0-9_.-]+$"`
}

type recordingsOutput struct{ Body []recordings.Recording }

// RecordingPart is one file of a recording: one person over one stretch.
type RecordingPart struct {
	Name   string   `json:"name"`
	Person string   `json:"person"`
	Start  int64    `json:"start_ms" doc:"on the recording's time bar"`
	End    int64    `json:"end_ms"`
	Media  []string `json:"media" doc:"audio, video"`
	Bytes  int64    `json:"bytes"`
}

// RecordingGap is something that is missing.
type RecordingGap struct {
	Person string `json:"person,omitempty"`
	Media  string `json:"media,omitempty" doc:"audio or video; nothing: both"`
	Start  int64  `json:"start_ms"`
	End    int64  `json:"end_ms"`
	Cause  string `json:"cause" enum:"lost,away,restart,behind"`
}

// RecordingBook is a recording with what its chain says.
type RecordingBook struct {
	recordings.Recording
	Announced time.Time       `json:"announced"`
	Zero      time.Time       `json:"zero" doc:"where the time bar begins"`
	Length    int64           `json:"length_ms"`
	Entries   int             `json:"entries"`
	Reason    string          `json:"reason,omitempty" doc:"why it ended"`
	Parts     []RecordingPart `json:"parts"`
	Gaps      []RecordingGap  `json:"gaps"`
}

type recordingOutput struct{ Body RecordingBook }

type playInput struct {
	Call string `path:"call" maxLength:"64" pattern:"^[A-Za-z0-9_.-]+$"`
	Body struct {
		Reason string `json:"reason,omitempty" maxLength:"256"`
	}
}

type playOutput struct {
	Body struct {
		Ticket string `json:"ticket" doc:"for the parts, for two hours"`
	}
}

type partInput struct {
	Call   string `path:"call" maxLength:"64" pattern:"^[A-Za-z0-9_.-]+$"`
	Part   string `path:"part" maxLength:"32" pattern:"^[0-9]+[.][a-z0-9]+$"`
	Ticket string `query:"ticket" required:"true"`
}

func (a *API) registerRecordings() {
	register(a, huma.Operation{OperationID: "recordings", Method: "GET", Path: "/api/v1/cases/{case}/recordings", Summary: "The recorded calls of a case"}, a.recordings)
	register(a, huma.Operation{OperationID: "recording", Method: "GET", Path: "/api/v1/recordings/{call}", Summary: "A recorded call: its parts and its gaps"}, a.recording)
	register(a, huma.Operation{OperationID: "play-recording", Method: "POST", Path: "/api/v1/recordings/{call}/plays", Summary: "Play a recorded call; recorded"}, a.play)
	register(a, huma.Operation{OperationID: "recording-part", Method: "GET", Path: "/api/v1/recordings/{call}/parts/{part}", Summary: "One part's bytes, by ranges"}, a.recordingPart)
	register(a, huma.Operation{OperationID: "record-call", Method: "POST", Path: "/api/v1/recordings/{call}/begin", Summary: "Record a call whose matter leaves that to the desk; recorded"}, a.recordCall)
}

func recordingStatus(err error) error {
	switch {
	case errors.Is(err, recordings.ErrNotFound):
		return huma.Error404NotFound(err.Error())
	case errors.Is(err, recordings.ErrState):
		return huma.Error409Conflict(err.Error())
	}
	return err
}

func (a *API) recordings(ctx context.Context, in *caseInput) (*recordingsOutput, error) {
	if err := a.readable(ctx, in.Case); err != nil {
		return nil, status(err)
	}
	list, err := a.deps.Recordings.OfCase(ctx, in.Case)
	return &recordingsOutput{Body: list}, err
}

func (a *API) recording(ctx context.Context, in *recordingInput) (*recordingOutput, error) {
	r, b, err := a.deps.Recordings.Book(ctx, in.Call)
	if err != nil {
		return nil, recordingStatus(err)
	}
	out := RecordingBook{Recording: r, Announced: b.Announced, Zero: b.From, Length: b.Length.Milliseconds(), Entries: b.Entries, Reason: b.Reason,
		Parts: []RecordingPart{}, Gaps: []RecordingGap{}}
	if b.Head != "" {
		out.Head = b.Head
	}
	for _, p := range b.Parts {
		if p.Bytes == 0 {
			continue
		}
		part := RecordingPart{Name: p.Name, Person: p.Person, Start: p.Start.Milliseconds(), End: p.End.Milliseconds(), Bytes: p.Bytes, Media: []string{}}
		for _, m := range p.Media {
			part.Media = append(part.Media, m.Kind)
		}
		out.Parts = append(out.Parts, part)
	}
	for _, g := range b.Gaps {
		gap := RecordingGap{Person: g.Person, Start: g.Start, End: g.End, Cause: g.Cause}
		if len(g.Media) > 0 {
			gap.Media = g.Media[0].Kind
		}
		out.Gaps = append(out.Gaps, gap)
	}
	return &recordingOutput{Body: out}, nil
}

func (a *API) play(ctx context.Context, in *playInput) (*playOutput, error) {
	out := &playOutput{}
	var err error
	out.Body.Ticket, err = a.deps.Recordings.Play(ctx, who(ctx), in.Call, in.Body.Reason, from(ctx))
	return out, recordingStatus(err)
}

func (a *API) recordingPart(ctx context.Context, in *partInput) (*huma.StreamResponse, error) {
	v, err := a.deps.Recordings.Part(ctx, who(ctx), in.Call, in.Part, in.Ticket)
	if err != nil {
		return nil, recordingStatus(err)
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		defer v.Close()
		r, w := humago.Unwrap(hc)
		w.Header().Set("Content-Type", v.Type)
		w.Header().Set("Cache-Control", "no-store")
		http.ServeContent(w, r, "", time.Time{}, v)
	}}, nil
}

func (a *API) recordCall(ctx context.Context, in *recordingInput) (*struct{}, error) {
	return nil, recordingStatus(a.deps.Recordings.Begin(ctx, who(ctx), in.Call, from(ctx)))
}
