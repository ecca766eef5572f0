// Package open311 lets residents report and follow through Open311 GeoReport
// v2, the interface that reporting apps and city portals speak: services are
// the matters marked public, requests are cases.
//
// It promises that nobody needs a name to report; that what everybody can read
// holds no word of a reporter, no person and no exact place; and that who
// reported follows the case by a code that cannot be guessed, and may have it
// opened again. It fetches nothing that a request names, and has no pages.
//
// The specification: http://wiki.open311.org/GeoReport_v2/
package open311

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"math"
	"strings"
	"time"

	"gridhub/devices/telemetry"
	"gridhub/hub/geo"
	"gridhub/hub/identity"
	"gridhub/hub/limit"
	"gridhub/hub/store"
	"gridhub/hub/tasks"
)

// Pool is the task pool. Errors as of tasks.Pool.
type Pool interface {
	Matters() []tasks.Matter
	Report(ctx context.Context, who identity.Principal, r tasks.Report) (tasks.Case, error)
	Get(ctx context.Context, id identity.CaseID) (tasks.Case, []tasks.Event, error)
	List(ctx context.Context, f tasks.Filter) ([]tasks.Case, error)
	Reopen(ctx context.Context, id identity.CaseID, command, words string) (tasks.Case, error)
}

// Options of a desk. Locate finds a grid by an address that contains its name:
// its middle and its code. Agency says who answers for a department.
type Options struct {
	Locate func(address string) (geo.Point, string, bool)
	Agency func(department string) string
	Zone   *time.Location
	Now    func() time.Time
}

// Desk serves residents. It may be used concurrently.
type Desk struct {
	db     *store.DB
	pool   Pool
	o      Options
	public map[string]tasks.Matter // by service code
	code   map[string]string       // matter -> service code
	order  []string                // service codes as the matters are listed
	posts  *limit.Limiter
	reads  *limit.Limiter
}

// Open prepares the table of codes.
func Open(ctx context.Context, db *store.DB, pool Pool, o Options) (*Desk, error) {
	d := &Desk{db: db, pool: pool, o: o, public: map[string]tasks.Matter{}, code: map[string]string{},
		posts: limit.New(5, 2*time.Minute, o.Now), reads: limit.New(120, 500*time.Millisecond, o.Now)}
	for _, m := range pool.Matters() {
		if m.Privacy != "public" || m.Open311 == "" {
			continue
		}
		d.public[m.Open311], d.code[m.Code] = m, m.Open311
		d.order = append(d.order, m.Open311)
	}
	return d, db.Migrate(ctx, "open311", `
CREATE TABLE open311_codes (hash TEXT PRIMARY KEY, case_id TEXT NOT NULL, at INTEGER NOT NULL)`)
}

// resident is who reports and reopens here.
var resident = identity.Principal{Account: "resident", Roles: []identity.Role{identity.Partner}}

// newCode is what its reporter follows a case by: 26 letters and digits that
// carry 130 bits. Only its hash is kept.
func newCode() string { return rand.Text() }

func hash(code string) string {
	sum := sha256.Sum256([]byte(strings.ToUpper(strings.TrimSpace(code))))
	return hex.EncodeToString(sum[:])
}

func (d *Desk) remember(ctx context.Context, code string, id identity.CaseID) error {
	return d.db.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO open311_codes (hash, case_id, at) VALUES (?, ?, ?)`, hash(code), string(id), int64(telemetry.At(d.o.Now())))
		return err
	})
}

// follow finds the case of a code.
func (d *Desk) follow(ctx context.Context, code string) (tasks.Case, []tasks.Event, error) {
	var id identity.CaseID
	err := d.db.QueryRow(ctx, `SELECT case_id FROM open311_codes WHERE hash = ?`, hash(code)).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return tasks.Case{}, nil, tasks.ErrNotFound
	}
	if err != nil {
		return tasks.Case{}, nil, err
	}
	return d.pool.Get(ctx, id)
}

// request is a case as everybody may see it.
func (d *Desk) request(c tasks.Case) Request {
	m := d.public[d.code[c.Matter]]
	r := Request{ID: c.ID, Status: "open", ServiceName: m.Name.ZH, ServiceCode: m.Open311,
		Agency: d.o.Agency(c.Department), Requested: d.stamp(c.Reported), Updated: d.stamp(c.Updated), Lat: blur(c.Place.Lat), Lon: blur(c.Place.Lon)}
	switch c.State {
	case tasks.Closed, tasks.Archived:
		r.Status, r.Notes = "closed", "已办结"
	case tasks.Rejected:
		r.Status, r.Notes = "closed", "不予受理"
	case tasks.Merged:
		r.Status, r.Notes = "closed", "已并入同一事项的工单"
	case tasks.Claimed, tasks.Checked:
		r.Notes = "处理完毕，核查中"
	case tasks.Reported, tasks.Screened, tasks.Verifying, tasks.Verified, tasks.Filed:
		r.Notes = "已受理"
	default:
		r.Notes = "处理中"
	}
	return r
}

// blur rounds a degree to about a hundred metres: enough to see that something
// is known, not whose door it is.
func blur(deg float64) float64 { return math.Round(deg*1000) / 1000 }

func (d *Desk) stamp(at telemetry.Millis) string {
	if at == 0 {
		return ""
	}
	return at.Time().In(d.o.Zone).Format(time.RFC3339)
}

// shown reports whether everybody may see a case.
func (d *Desk) shown(c tasks.Case) bool {
	_, public := d.code[c.Matter]
	return public && c.State != tasks.Voided
}
