package evidence

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"gridhub/devices/telemetry"
	"gridhub/hub/geo"
	"gridhub/hub/store/storetest"
	"gridhub/hub/tasks"
)

var noon = time.Date(2026, 11, 23, 4, 0, 0, 0, time.UTC)

func open(t *testing.T) (*Store, string) {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "evidence")
	s, err := Open(t.Context(), storetest.Open(t), Config{Folder: folder, Zone: time.FixedZone("CST", 8*3600),
		Clock: func() time.Time { return noon },
		Caption: func(_ context.Context, m Meta) []string {
			return []string{"澄湾街道 G06", "处置前 " + string(m.By)}
		}})
	if err != nil {
		t.Fatal(err)
	}
	return s, folder
}

func photo(t *testing.T, w, h int) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			img.SetRGBA(x, y, color.RGBA{uint8(x * 255 / w), uint8(y * 255 / h), 200, 255})
		}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func meta() Meta {
	return Meta{Case: "c-1", Kind: "photo-before", By: "p-017", At: telemetry.At(noon.Add(-time.Hour)),
		Place: &geo.Point{Lon: 120.16, Lat: 30.275}, Accuracy: 8}
}

func readAll(t *testing.T, s *Store, hash, form string) ([]byte, string) {
	t.Helper()
	f, kind, err := s.Open(t.Context(), hash, form)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	data, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return data, kind
}

func TestPutKeepsTheOriginalAndMakesForms(t *testing.T) {
	s, _ := open(t)
	data := photo(t, 2200, 1100)
	item, err := s.Put(t.Context(), meta(), bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(data)
	if item.Hash != hex.EncodeToString(sum[:]) || item.Type != JPEG || item.Size != int64(len(data)) || item.Received != telemetry.At(noon) {
		t.Errorf("item %+v", item)
	}
	want := []string{"澄湾街道 G06", "处置前 p-017", "2026-11-23 11:00:00", "120.160000, 30.275000 ±8 m"}
	if !reflect.DeepEqual(item.Caption, want) {
		t.Errorf("caption %q, want %q", item.Caption, want)
	}
	if got, kind := readAll(t, s, item.Hash, Original); !bytes.Equal(got, data) || kind != JPEG {
		t.Error("the original was touched")
	}
	for form, side := range map[string]int{Marked: markedSide, Thumb: thumbSide} {
		got, kind := readAll(t, s, item.Hash, form)
		c, err := jpeg.DecodeConfig(bytes.NewReader(got))
		if err != nil || kind != JPEG || c.Width != side || c.Height != side/2 {
			t.Errorf("%s is %d × %d, %s, %v; want %d × %d", form, c.Width, c.Height, kind, err, side, side/2)
		}
	}
	if got, err := s.Get(t.Context(), item.Hash); err != nil || !reflect.DeepEqual(got, item) {
		t.Errorf("Get: %+v, %v", got, err)
	}
}

func TestPutAgainReturnsTheFirst(t *testing.T) {
	s, _ := open(t)
	data := photo(t, 40, 30)
	first, err := s.Put(t.Context(), meta(), bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	other := meta()
	other.By, other.At, other.Case = "p-018", other.At+1000, "c-2"
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if again, err := s.Put(t.Context(), other, bytes.NewReader(data)); err != nil || !reflect.DeepEqual(again, first) {
				t.Errorf("again: %+v, %v", again, err)
			}
		})
	}
	wg.Wait()
}

func TestFilesAreForTheOwnerOnlyAndNothingIsLeft(t *testing.T) {
	s, folder := open(t)
	if _, err := s.Put(t.Context(), meta(), bytes.NewReader(photo(t, 40, 30))); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Put(t.Context(), meta(), strings.NewReader("no picture")); err == nil {
		t.Fatal("text was accepted")
	}
	files := 0
	err := filepath.Walk(folder, func(path string, i os.FileInfo, err error) error {
		if err == nil && i.Mode().IsRegular() {
			files++
			if i.Mode().Perm() != 0o600 {
				t.Errorf("%s has mode %v", path, i.Mode())
			}
		}
		return err
	})
	if err != nil || files != 3 {
		t.Errorf("%d files, %v; want the original and two forms", files, err)
	}
}

func TestAMissingFormIsMadeAgain(t *testing.T) {
	s, _ := open(t)
	item, err := s.Put(t.Context(), meta(), bytes.NewReader(photo(t, 400, 300)))
	if err != nil {
		t.Fatal(err)
	}
	before, _ := readAll(t, s, item.Hash, Marked)
	if err := os.Remove(s.blobs.path(item.Hash, Marked)); err != nil {
		t.Fatal(err)
	}
	if after, _ := readAll(t, s, item.Hash, Marked); !bytes.Equal(before, after) {
		t.Error("the form made again differs from the first")
	}
}

func TestWhatIsNotAccepted(t *testing.T) {
	s, _ := open(t)
	whole := photo(t, 400, 300)
	bomb := pngOf(t, image.NewGray(image.Rect(0, 0, 1, 1)))
	binary.BigEndian.PutUint32(bomb[16:], 8192) // the header claims 8192 × 4096
	binary.BigEndian.PutUint32(bomb[20:], 4096)
	binary.BigEndian.PutUint32(bomb[29:], crc32.ChecksumIEEE(bomb[12:29]))
	for name, data := range map[string][]byte{
		"nothing":           {},
		"a program":         []byte("MZ\x90\x00"),
		"a GIF":             []byte("GIF89a\x01\x00\x01\x00\x00\x00\x00;"),
		"SVG":               []byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`),
		"half a photo":      whole[:len(whole)/2],
		"a JPEG in name":    []byte("\xff\xd8\xff\xe0 and no more"),
		"32 million pixels": bomb,
		"too many bytes":    append(bytes.Clone(whole), make([]byte, MaxBytes)...),
	} {
		var refused *tasks.RefusedError
		if _, err := s.Put(t.Context(), meta(), bytes.NewReader(data)); !errors.As(err, &refused) || refused.Code != "evidence" {
			t.Errorf("%s: %v, want it refused", name, err)
		} else if name == "32 million pixels" && !strings.Contains(err.Error(), "8192 × 4096") {
			t.Errorf("%s: refused because %v, want it refused before it is decoded", name, err)
		}
	}
}

func pngOf(t *testing.T, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestADocumentHasItsOriginalOnly(t *testing.T) {
	s, _ := open(t)
	data := []byte("%PDF-1.7\n%%EOF\n")
	item, err := s.Put(t.Context(), meta(), bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if got, kind := readAll(t, s, item.Hash, Marked); !bytes.Equal(got, data) || kind != PDF {
		t.Errorf("%q, %s", got, kind)
	}
}

func TestUnknown(t *testing.T) {
	s, _ := open(t)
	if _, _, err := s.Open(t.Context(), strings.Repeat("0", 64), Thumb); !errors.Is(err, ErrNotFound) {
		t.Errorf("%v, want ErrNotFound", err)
	}
}

func TestNoPlaceIsSaid(t *testing.T) {
	s, _ := open(t)
	m := meta()
	m.Place = nil
	item, err := s.Put(t.Context(), m, bytes.NewReader(pngOf(t, image.NewGray(image.Rect(0, 0, 30, 20)))))
	if err != nil {
		t.Fatal(err)
	}
	if got := item.Caption[len(item.Caption)-1]; got != "无定位 no position" {
		t.Errorf("the caption ends with %q", got)
	}
	if got, err := s.Get(t.Context(), item.Hash); err != nil || got.Place != nil {
		t.Errorf("place %v, %v", got.Place, err)
	}
}

func BenchmarkRender(b *testing.B) {
	img := image.NewYCbCr(image.Rect(0, 0, 4000, 3000), image.YCbCrSubsampleRatio420)
	for i := range img.Y {
		img.Y[i] = uint8(i * 7 / 13)
	}
	var data bytes.Buffer
	if err := jpeg.Encode(&data, img, nil); err != nil {
		b.Fatal(err)
	}
	f, err := os.CreateTemp(b.TempDir(), "")
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Write(data.Bytes()); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := render(f, JPEG, []string{"澄湾街道", "2026-11-23 11:00:00"}, io.Discard, io.Discard); err != nil {
			b.Fatal(err)
		}
	}
}
