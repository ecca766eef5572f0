package evidence

import (
	"context"
	"errors"
	"fmt"
	"image/jpeg"
	"io"
	"os"
)

// public is the form that residents see: upright, at most publicSide pixels,
// without the camera's records, and marked with what the caller says instead of
// with who took it where.
const (
	public     = "public"
	publicSide = 1280
)

// Public returns the public form of a picture, a JPEG; it is made at the first
// question and kept. The caller closes it. Errors: ErrNotFound, also for what is
// no picture.
func (s *Store) Public(ctx context.Context, hash string, caption []string) (io.ReadSeekCloser, error) {
	i, err := s.Get(ctx, hash)
	if err != nil {
		return nil, err
	}
	if i.Type == PDF {
		return nil, ErrNotFound
	}
	f, err := os.Open(s.blobs.path(hash, public))
	if errors.Is(err, os.ErrNotExist) {
		if err = s.publish(ctx, i, caption); err == nil {
			f, err = os.Open(s.blobs.path(hash, public))
		}
	}
	if err != nil {
		return nil, fmt.Errorf("evidence %s: %w", hash, err)
	}
	return f, nil
}

func (s *Store) publish(ctx context.Context, i Item, caption []string) error {
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	case <-ctx.Done():
		return ctx.Err()
	}
	from, err := os.Open(s.blobs.path(i.Hash, Original))
	if err != nil {
		return err
	}
	defer from.Close()
	img, err := decode(from, i.Type)
	if err != nil {
		return err
	}
	small := scale(img, publicSide)
	if err := mark(small, caption); err != nil {
		return err
	}
	to, err := s.blobs.temporary()
	if err != nil {
		return err
	}
	defer discard(to)
	if err := jpeg.Encode(to, small, &jpeg.Options{Quality: 82}); err != nil {
		return err
	}
	return s.blobs.keep(to, i.Hash, public)
}
