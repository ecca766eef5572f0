package evidence

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"strconv"

	"gridhub/hub/identity"
	"gridhub/hub/store"

	"golang.org/x/image/draw"
)

// A photo was used before when its look differs by at most sameLook bits from
// an earlier one's, and its grey values, both pictures brought to the same small
// size, by at most sameGrey of 255 on average. Saving again, in another size or
// format, stays within both. A look alone says little of skies and streets in
// a large collection; a second photo of one place taken by hand differs by more.
const (
	sameLook = 3
	sameGrey = 4.0
	greySide = 32
)

// bands cut a look into sameLook+1 parts: two looks that differ by at most
// sameLook bits agree in one of them, which an index finds.
const bands = sameLook + 1

func (l Look) band(n int) int64 { return int64(l>>(16*n)) & 0xffff }

// maxAlike bounds the earlier photos that are opened for one comparison, and
// maxCandidates those whose looks are compared; a street has a few dark nights
// and walls that look like many others.
const (
	maxAlike      = 8
	maxCandidates = 5000
)

// remember makes a look findable.
func remember(ctx context.Context, tx *store.Tx, hash string, l Look) error {
	for n := range bands {
		if l == 0 {
			return nil
		}
		if _, err := tx.Exec(ctx, `INSERT INTO evidence_bands (band, bits, hash) VALUES (?, ?, ?) ON CONFLICT (band, bits, hash) DO NOTHING`, n, l.band(n), hash); err != nil {
			return err
		}
	}
	return nil
}

// rememberAll makes the looks findable that an older program stored.
func (s *Store) rememberAll(ctx context.Context) error {
	r, err := s.db.Query(ctx, `SELECT hash, look FROM evidence WHERE look <> '0' AND hash NOT IN (SELECT hash FROM evidence_bands)`)
	if err != nil {
		return err
	}
	looks := map[string]Look{}
	for r.Next() {
		var hash, look string
		if err := r.Scan(&hash, &look); err != nil {
			return errors.Join(err, r.Close())
		}
		bits, err := strconv.ParseUint(look, 16, 64)
		if err != nil {
			return errors.Join(fmt.Errorf("evidence %s: look: %w", hash, err), r.Close())
		}
		looks[hash] = Look(bits)
	}
	if err := errors.Join(r.Err(), r.Close()); err != nil || len(looks) == 0 {
		return err
	}
	return s.db.Write(ctx, func(tx *store.Tx) error {
		for hash, l := range looks {
			if err := remember(ctx, tx, hash, l); err != nil {
				return err
			}
		}
		return nil
	})
}

// Reused returns earlier evidence that a photo repeats when it is added to a
// case: the very same bytes that belong to another case, or another file that
// shows the same picture, saved again or resized. nil when there is none. It
// is a reason to look, never a verdict. Errors: ErrNotFound.
func (s *Store) Reused(ctx context.Context, hash string, of identity.CaseID) (*Item, error) {
	item, err := s.Get(ctx, hash)
	if err != nil {
		return nil, err
	}
	if item.Case != "" && item.Case != of {
		return &item, nil
	}
	earlier, err := s.alike(ctx, item)
	if err != nil || len(earlier) == 0 {
		return nil, err
	}
	mine, err := s.grey(ctx, hash)
	if err != nil {
		return nil, err
	}
	for _, e := range earlier {
		other, err := s.grey(ctx, e.Hash)
		if err != nil {
			return nil, err
		}
		if distance(mine, other) <= sameGrey {
			return &e, nil
		}
	}
	return nil, nil
}

// alike lists earlier items whose look is nearly that of i.
func (s *Store) alike(ctx context.Context, i Item) ([]Item, error) {
	if i.Look == 0 {
		return nil, nil
	}
	r, err := s.db.Query(ctx, `SELECT DISTINCT e.hash, e.look FROM evidence_bands b JOIN evidence e ON e.hash = b.hash
		WHERE (b.band = 0 AND b.bits = ? OR b.band = 1 AND b.bits = ? OR b.band = 2 AND b.bits = ? OR b.band = 3 AND b.bits = ?)
		AND e.hash <> ? AND e.received < ? LIMIT ?`,
		i.Look.band(0), i.Look.band(1), i.Look.band(2), i.Look.band(3), i.Hash, i.Received, maxCandidates)
	if err != nil {
		return nil, err
	}
	var near []string
	for r.Next() {
		var hash, look string
		if err := r.Scan(&hash, &look); err != nil {
			return nil, errors.Join(err, r.Close())
		}
		bits, err := strconv.ParseUint(look, 16, 64)
		if err == nil && i.Look.Differs(Look(bits)) <= sameLook && len(near) < maxAlike {
			near = append(near, hash)
		}
	}
	if err := errors.Join(r.Err(), r.Close()); err != nil {
		return nil, err
	}
	var out []Item
	for _, hash := range near {
		e, err := s.Get(ctx, hash)
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, nil
}

// grey is a picture's thumbnail in few grey values.
func (s *Store) grey(ctx context.Context, hash string) (*image.Gray, error) {
	f, _, err := s.Open(ctx, hash, Thumb)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	img, err := jpeg.Decode(f)
	if err != nil {
		return nil, fmt.Errorf("evidence %s: thumbnail: %w", hash, err)
	}
	out := image.NewGray(image.Rect(0, 0, greySide, greySide))
	draw.BiLinear.Scale(out, out.Rect, img, img.Bounds(), draw.Src, nil)
	return out, nil
}

// distance is the mean difference of two grey pictures, 0 to 255.
func distance(a, b *image.Gray) float64 {
	sum := 0
	for i := range a.Pix {
		d := int(a.Pix[i]) - int(b.Pix[i])
		sum += max(d, -d)
	}
	return float64(sum) / float64(len(a.Pix))
}
