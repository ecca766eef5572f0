package residents

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"unicode"
	"unicode/utf8"

	"gridhub/devices/telemetry"
	"gridhub/hub/evidence"
	"gridhub/hub/geo"
	"gridhub/hub/identity"
	"gridhub/hub/tasks"
)

// What one report may hold.
const (
	MaxWords    = 1000    // characters
	MaxPhotos   = 4       // of one code
	MaxPhoto    = 8 << 20 // bytes of one
	maxFollower = 50      // codes of one case whose words are added to it
)

// Message is what a resident sends. ID is made by the phone, with 128 bits that
// nobody can guess: a repeat with it gets the same code.
type Message struct {
	ID       string          `json:"id" minLength:"16" maxLength:"64" doc:"made by the phone and unguessable: a repeat gets the same code"`
	Service  string          `json:"service" maxLength:"20" doc:"one of those that public-services lists"`
	Words    string          `json:"words,omitempty" maxLength:"4000" doc:"at most 1000 characters"`
	Phone    string          `json:"phone,omitempty" maxLength:"40" doc:"only for questions; never shown to other residents"`
	Place    geo.Point       `json:"place" doc:"where it is, as the reporter points to it"`
	Accuracy float64         `json:"accuracy_m,omitempty" minimum:"0"`
	Danger   bool            `json:"danger,omitempty" doc:"somebody may get hurt: goes ahead without a look on site"`
	SameAs   identity.CaseID `json:"same_as,omitempty" maxLength:"40" doc:"one of those that public-nearby named: to be told of it, and add to it"`
}

// Receipt answers a report.
type Receipt struct {
	Code   string `json:"code" doc:"to follow by, in three groups of four digits"`
	Number string `json:"number"`
}

// Report brings a report into the pool. Errors: *LimitedError,
// *tasks.RefusedError with the code service, words, phone, outside or gone.
func (d *Desk) Report(ctx context.Context, from netip.Prefix, r Message) (Receipt, error) {
	if wait, ok := d.limits.reports.Take(from); !ok {
		return Receipt{}, &LimitedError{wait}
	}
	rep, err := d.read(ctx, r)
	if err != nil {
		return Receipt{}, err
	}
	if wait, ok := d.limits.all.Take(everybody); !ok {
		return Receipt{}, &LimitedError{wait}
	}
	c, err := d.bring(ctx, r, rep)
	if err != nil {
		return Receipt{}, err
	}
	code, err := d.give(ctx, r.ID, c.ID, r.SameAs != "")
	if err != nil {
		return Receipt{}, err
	}
	return Receipt{Code: Spoken(code), Number: c.Number}, nil
}

// everybody is whom the common allowance belongs to.
var everybody = netip.Prefix{}

func (d *Desk) bring(ctx context.Context, r Message, rep tasks.Report) (tasks.Case, error) {
	if r.SameAs == "" {
		return d.pool.Report(ctx, resident, rep)
	}
	c, _, err := d.pool.Get(ctx, r.SameAs)
	if errors.Is(err, tasks.ErrNotFound) || err == nil && (!d.shown(c) || !c.Open()) {
		return c, refuse("gone", "that report is not open any more: send yours as a new one")
	}
	if err != nil {
		return c, err
	}
	n, err := d.followers(ctx, c.ID)
	if err != nil || rep.Text == "" && rep.Reporter == "" || n >= maxFollower {
		return c, err
	}
	return d.pool.Add(ctx, c.ID, rep.ID, tasks.Event{Type: tasks.Noted, At: rep.At, By: resident.Account,
		Body: tasks.Body{Kind: AlsoReported, Text: rep.Text, Reporter: rep.Reporter}})
}

// The kinds of remarks that residents make on a case.
const (
	AlsoReported = "also-reported" // by somebody else
	Satisfied    = "satisfied"
	Unsatisfied  = "unsatisfied"
)

// read makes a report of the pool's, or says what is missing.
func (d *Desk) read(ctx context.Context, r Message) (tasks.Report, error) {
	words, phone := Plain(r.Words), strings.Join(strings.Fields(r.Phone), " ")
	grid, inside := d.o.Grid(r.Place)
	switch {
	case len(d.public[r.Service].Code) == 0:
		return tasks.Report{}, refuse("service", "service: want one of those that are listed")
	case utf8.RuneCountInString(words) > MaxWords:
		return tasks.Report{}, refuse("words", fmt.Sprintf("words: want at most %d characters", MaxWords))
	case phone != "" && !isPhone(phone):
		return tasks.Report{}, refuse("phone", "phone: want 5 to 20 digits, or nothing")
	case !r.Place.Valid() || !inside:
		return tasks.Report{}, refuse("outside", "place: want one within the street")
	}
	out := tasks.Report{ID: "resident-" + r.ID, Matter: r.Service, Source: "resident", Severity: "minor", Place: r.Place, Grid: grid,
		Text: words, Reporter: phone, At: d.now(), Verify: !r.Danger}
	if r.Danger {
		out.Severity = "major"
	} else if d.o.Collector != nil {
		out.Verifier = d.o.Collector(ctx, grid)
	}
	return out, nil
}

// Plain is a text without what is not seen: control characters, marks that turn
// the direction of writing, bytes that are no text. Lines stay.
func Plain(text string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return r
		case r == '\t':
			return ' '
		case r == utf8.RuneError || unicode.IsControl(r) || unicode.Is(unicode.Cf, r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, "")))
}

func isPhone(s string) bool {
	digits := strings.Count(s, "") - 1 - strings.Count(s, " ") - strings.Count(s, "-") - strings.Count(s, "+")
	return digits >= 5 && digits <= 20 && strings.Trim(s, "0123456789 +-") == ""
}

// AddPhoto keeps a photo of a code's holder. at is when it was taken; when that
// is not known or lies ahead, it is now. Errors: tasks.ErrNotFound,
// *LimitedError, *tasks.RefusedError with the code photo-none (no picture),
// photo-broken (cannot be read, or too many pixels), photo-large, photo-many.
func (d *Desk) AddPhoto(ctx context.Context, from netip.Prefix, code string, at telemetry.Millis, body io.Reader) error {
	if wait, ok := d.limits.photos.Take(from); !ok {
		return &LimitedError{wait}
	}
	t, err := d.find(ctx, from, code, d.limits.deeds)
	if err != nil {
		return err
	}
	have, err := d.photos(ctx, t)
	if err != nil {
		return err
	}
	if len(have) >= MaxPhotos {
		return refuse("photo-many", fmt.Sprintf("at most %d photos", MaxPhotos))
	}
	if now := d.now(); at <= 0 || at > now {
		at = now
	}
	item, err := Keep(ctx, d.evidence, evidence.Meta{Case: t.of, Kind: "photo-before", At: at, Caption: []string{"居民上报 reported by a resident"}}, body)
	if err != nil {
		return err
	}
	if _, err := d.pool.Do(ctx, resident, tasks.Command{ID: "photo-" + t.hash[:20] + item.Hash[:20], Case: t.of, Type: tasks.Evidence,
		At: at, Evidence: item.Hash, Kind: "photo-before"}); err != nil {
		return err
	}
	return d.addPhoto(ctx, t, item.Hash)
}

// Keep puts a picture, and nothing else, into the store, or says in few words
// why not.
func Keep(ctx context.Context, e Evidence, m evidence.Meta, body io.Reader) (evidence.Item, error) {
	in := bufio.NewReader(io.LimitReader(body, MaxPhoto+1))
	head, err := in.Peek(12)
	if err != nil && !errors.Is(err, io.EOF) {
		return evidence.Item{}, err
	}
	if !isPicture(head) {
		return evidence.Item{}, refuse("photo-none", "this is no photo: want JPEG, PNG or WebP")
	}
	counted := &counter{r: in}
	item, err := e.Put(ctx, m, counted)
	var refused *tasks.RefusedError
	switch {
	case errors.Is(err, errTooLarge):
		return item, refuse("photo-large", fmt.Sprintf("the photo is larger than %d MB", MaxPhoto>>20))
	case errors.As(err, &refused):
		return item, refuse("photo-broken", refused.Reason)
	}
	return item, err
}

func isPicture(head []byte) bool {
	return bytes.HasPrefix(head, []byte("\xff\xd8\xff")) || bytes.HasPrefix(head, []byte("\x89PNG\r\n\x1a\n")) ||
		len(head) >= 12 && string(head[:4]) == "RIFF" && string(head[8:12]) == "WEBP"
}

var errTooLarge = errors.New("larger than a photo may be")

// counter fails where a photo becomes too large.
type counter struct {
	r io.Reader
	n int
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	if c.n += n; c.n > MaxPhoto {
		return n, errTooLarge
	}
	return n, err
}
