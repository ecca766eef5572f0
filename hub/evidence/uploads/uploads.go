// Package uploads takes evidence in pieces over a network that comes and goes, by
// the tus protocol (1.0.0, with creation, expiration and termination): a terminal
// announces a file with what it knows of the capture, sends it piece by piece, and
// after a break asks how far it got.
//
// It promises that an offset it has told is on the disk, across kill -9; that the
// last piece is answered only when the whole is evidence like any other, checked by
// the same eyes and against the sum that was announced; that one account holds a
// bounded number of unfinished files, of which the one that rested longest gives
// way, and that these are gone after a while. It
// leaves out who may upload (api) and what a photo shows (evidence).
package uploads

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"time"

	"gridhub/devices/telemetry"
	"gridhub/hub/evidence"
	"gridhub/hub/geo"
	"gridhub/hub/identity"
	"gridhub/hub/tasks"

	"github.com/tus/tusd/v2/pkg/handler"
	"github.com/tus/tusd/v2/pkg/memorylocker"
	tuslog "golang.org/x/exp/slog"
)

// Path is where the uploads are, with a slash at its end.
const Path = "/api/v1/uploads/"

// Vault keeps what was uploaded; see evidence.Store.
type Vault interface {
	Put(ctx context.Context, m evidence.Meta, body io.Reader) (evidence.Item, error)
}

// Options say how uploads are taken. Folder, Vault and Clock are required.
type Options struct {
	Folder     string // for what is not complete; made if missing, mode 0700
	Vault      Vault
	Clock      func() time.Time
	Log        *slog.Logger
	Keep       time.Duration // that an upload may rest; default: three days
	PerAccount int           // unfinished ones of an account; default: 40, a shift's photos without a network
	Announced  int64         // bytes that an account's unfinished ones may come to; default: 1 GB
}

// Desk takes uploads. It is safe for concurrent use; one desk at a time may own a
// folder.
type Desk struct {
	o      Options
	pieces pieces
	tus    *handler.UnroutedHandler
	mu     sync.Mutex // around making an upload and ending one, so that the bound holds and each ends once
}

// Open prepares the folder. Nothing is removed before Run.
func Open(o Options) (*Desk, error) {
	if o.Folder == "" || o.Vault == nil || o.Clock == nil {
		return nil, errors.New("uploads: want a folder, a vault and a clock")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Keep == 0 {
		o.Keep = 72 * time.Hour
	}
	if o.PerAccount == 0 {
		o.PerAccount = 40
	}
	if o.Announced == 0 {
		o.Announced = 1 << 30
	}
	if err := os.MkdirAll(o.Folder, 0o700); err != nil {
		return nil, fmt.Errorf("uploads folder: %w", err)
	}
	d := &Desk{o: o, pieces: pieces{folder: o.Folder, now: o.Clock}}
	parts := handler.NewStoreComposer()
	parts.UseCore(d.pieces)
	parts.UseTerminater(d.pieces)
	memorylocker.New().UseIn(parts)
	var err error
	d.tus, err = handler.NewUnroutedHandler(handler.Config{StoreComposer: parts, BasePath: Path, MaxSize: evidence.MaxVideo, DisableDownload: true,
		Cors: &handler.CorsConfig{Disable: true}, Logger: tuslog.New(tuslog.NewTextHandler(io.Discard, nil)),
		PreUploadCreateCallback: d.announced, PreFinishResponseCallback: d.complete})
	return d, err
}

// sweepEvery is how often expired uploads are looked for.
const sweepEvery = time.Hour

// Run removes what has expired until ctx ends.
func (d *Desk) Run(ctx context.Context) error {
	for {
		if err := d.sweep(); err != nil {
			d.o.Log.Error("unfinished uploads cannot be removed", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(sweepEvery):
		}
	}
}

// sweep removes uploads that nobody has touched for Keep.
func (d *Desk) sweep() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	all, err := d.pieces.list()
	for _, u := range all {
		if d.expires(u).Before(d.o.Clock()) {
			err = errors.Join(err, d.pieces.remove(u.Info.ID))
		}
	}
	return err
}

func (d *Desk) expires(u upload) time.Time { return u.Touched.Time().Add(d.o.Keep) }

type callerKey struct{}

// ServeHTTP answers a request of somebody who may upload. Nobody sees another's
// uploads.
func (d *Desk) ServeHTTP(w http.ResponseWriter, r *http.Request, who identity.Principal) {
	r = r.WithContext(context.WithValue(r.Context(), callerKey{}, who))
	id := r.URL.Path[len(Path):]
	if id == "" && r.Method == http.MethodPost {
		d.tus.Middleware(http.HandlerFunc(d.tus.PostFile)).ServeHTTP(w, r)
		return
	}
	u, err := d.pieces.read(id)
	if err != nil || u.Account != who.Account {
		http.Error(w, "no such upload", http.StatusNotFound)
		return
	}
	w.Header().Set("Upload-Expires", d.expires(u).UTC().Format(http.TimeFormat))
	next := map[string]http.HandlerFunc{http.MethodHead: d.tus.HeadFile, http.MethodPatch: d.tus.PatchFile, http.MethodDelete: d.tus.DelFile}[r.Method]
	if next == nil {
		http.Error(w, "want HEAD, PATCH or DELETE", http.StatusMethodNotAllowed)
		return
	}
	if r.Method != http.MethodDelete && !d.settled(w, r, u) {
		return
	}
	r.URL.Path = id // as tusd is mounted below a stripped prefix
	d.tus.Middleware(next).ServeHTTP(w, r)
}

// evidenceHeader names the evidence that a complete upload has become.
const evidenceHeader = "Evidence"

// settled ends an upload that has all its bytes and is no evidence yet, which a
// crash between the two leaves; false: it was refused, and that is the answer.
func (d *Desk) settled(w http.ResponseWriter, r *http.Request, u upload) bool {
	if u.Info.Offset == u.Info.Size && u.Hash == "" {
		hash, err := d.end(r.Context(), u)
		if err != nil {
			answer := said(err)
			w.Header().Set("Content-Type", answer.Header["Content-Type"])
			w.WriteHeader(answer.StatusCode)
			_, _ = io.WriteString(w, answer.Body) // who asked has gone
			return false
		}
		u.Hash = hash
	}
	if u.Hash != "" {
		w.Header().Set(evidenceHeader, u.Hash)
	}
	return true
}

// announced decides whether an upload may begin.
func (d *Desk) announced(e handler.HookEvent) (handler.HTTPResponse, handler.FileInfoChanges, error) {
	who, _ := e.Context.Value(callerKey{}).(identity.Principal)
	if _, _, err := described(e.Upload.MetaData, who); err != nil {
		return handler.HTTPResponse{}, handler.FileInfoChanges{}, refusal(http.StatusBadRequest, err)
	}
	if e.Upload.Size == 0 {
		return handler.HTTPResponse{}, handler.FileInfoChanges{}, refusal(http.StatusBadRequest, errors.New("an empty file is no evidence"))
	}
	if err := d.makeRoom(who.Account, e.Upload.Size); err != nil {
		return handler.HTTPResponse{}, handler.FileInfoChanges{}, err
	}
	return handler.HTTPResponse{Header: handler.HTTPHeader{"Upload-Expires": d.o.Clock().Add(d.o.Keep).UTC().Format(http.TimeFormat)}}, handler.FileInfoChanges{}, nil
}

// makeRoom lets the uploads of an account go that rested longest, until another of
// this size fits in. A terminal whose upload has gone begins it anew; one that was
// turned away would hold up all that waits behind it.
func (d *Desk) makeRoom(account string, size int64) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	all, err := d.pieces.list()
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(all, func(u upload) bool { return u.Account != account || u.Hash != "" })
	slices.SortFunc(all, func(a, b upload) int { return cmp.Compare(a.Touched, b.Touched) })
	for _, u := range all {
		size += u.Info.Size
	}
	for len(all) >= d.o.PerAccount || len(all) > 0 && size > d.o.Announced {
		if err := d.pieces.remove(all[0].Info.ID); err != nil {
			return err
		}
		size -= all[0].Info.Size
		all = all[1:]
	}
	return nil
}

// complete makes evidence of an upload whose last byte has come.
func (d *Desk) complete(e handler.HookEvent) (handler.HTTPResponse, error) {
	u, err := d.pieces.read(e.Upload.ID)
	if err != nil {
		return handler.HTTPResponse{}, err
	}
	hash, err := d.end(e.Context, u)
	if err != nil {
		return handler.HTTPResponse{}, handler.Error{ErrorCode: "ERR_EVIDENCE", Message: err.Error(), HTTPResponse: said(err)}
	}
	return handler.HTTPResponse{Header: handler.HTTPHeader{evidenceHeader: hash}}, nil
}

// end puts an upload's bytes into the vault, once. What the vault refuses is gone
// with the answer; what failed otherwise may be tried again.
func (d *Desk) end(ctx context.Context, u upload) (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	u, err := d.pieces.read(u.Info.ID) // another request may have ended it meanwhile
	if err != nil || u.Hash != "" {
		return u.Hash, err
	}
	hash, err := d.put(ctx, u)
	var refused *tasks.RefusedError
	if errors.As(err, &refused) {
		return "", errors.Join(err, d.pieces.remove(u.Info.ID))
	}
	if err != nil {
		return "", err
	}
	return hash, d.pieces.ended(u, hash)
}

func (d *Desk) put(ctx context.Context, u upload) (string, error) {
	meta, sum, err := described(u.Info.MetaData, identity.Principal{Person: u.Person})
	if err != nil {
		return "", err
	}
	f, err := os.Open(d.pieces.bytes(u.Info.ID))
	if err != nil {
		return "", err
	}
	defer f.Close()
	if err := holds(f, sum); err != nil {
		return "", err
	}
	item, err := d.o.Vault.Put(ctx, meta, f)
	return item.Hash, err
}

var hexSum = regexp.MustCompile(`^[0-9a-f]{64}$`)

// described reads what a terminal says of a capture: kind, at (milliseconds by its
// own clock), case, lon, lat, accuracy; and the sum of the whole, sha256, which may
// be left out.
func described(m handler.MetaData, who identity.Principal) (evidence.Meta, string, error) {
	at, err := strconv.ParseInt(m["at"], 10, 64)
	if err != nil || at <= 0 {
		return evidence.Meta{}, "", fmt.Errorf("metadata at: %q: want the time of the capture in milliseconds", m["at"])
	}
	if m["kind"] == "" || len(m["kind"]) > 40 || len(m["case"]) > 64 {
		return evidence.Meta{}, "", fmt.Errorf("metadata kind: %q: want photo-before, photo-after, document, …", m["kind"])
	}
	if m["sha256"] != "" && !hexSum.MatchString(m["sha256"]) {
		return evidence.Meta{}, "", fmt.Errorf("metadata sha256: %q: want 64 hexadecimal digits", m["sha256"])
	}
	out := evidence.Meta{Case: identity.CaseID(m["case"]), Kind: m["kind"], By: who.Person, At: telemetry.Millis(at)}
	lon, err1 := strconv.ParseFloat(m["lon"], 64)
	lat, err2 := strconv.ParseFloat(m["lat"], 64)
	if p := (geo.Point{Lon: lon, Lat: lat}); err1 == nil && err2 == nil && p.Valid() {
		out.Place = &p
		out.Accuracy, _ = strconv.ParseFloat(m["accuracy"], 64) // 0: not told
	}
	return out, m["sha256"], nil
}

// refusal is an answer that no repeat changes, in the API's words.
func refusal(code int, err error) handler.Error {
	return handler.Error{ErrorCode: "ERR_REFUSED", Message: err.Error(), HTTPResponse: problem(code, err)}
}

// said is the answer to an error of the vault.
func said(err error) handler.HTTPResponse {
	var refused *tasks.RefusedError
	if errors.As(err, &refused) {
		return problem(http.StatusUnprocessableEntity, err)
	}
	return problem(http.StatusInternalServerError, errors.New("the file could not be kept: try again"))
}

func problem(code int, err error) handler.HTTPResponse {
	body, _ := json.Marshal(map[string]any{"title": http.StatusText(code), "status": code, "detail": err.Error()}) // plain values
	return handler.HTTPResponse{StatusCode: code, Body: string(body), Header: handler.HTTPHeader{"Content-Type": "application/problem+json"}}
}
