// Package cameras is the street's list of cameras: where they stand, how they are
// reached, and who may send in the name of those that push.
//
// It promises that what it shows of a camera holds no secret: passwords and
// tokens are read from files beside the list, which nobody else may read. It
// leaves out the pictures (streams/camera) and who may look at them.
package cameras

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"gridhub/configs"
	"gridhub/hub/geo"
	"gridhub/hub/people"
	"gridhub/streams/camera"
)

// File is a file of cameras.
type File struct {
	Cameras []Camera `yaml:"cameras"`
}

// Camera is one camera as the street's file describes it.
type Camera struct {
	ID    string      `json:"id" yaml:"id"`
	Name  people.Name `json:"name" yaml:"name"`
	Place geo.Point   `json:"place" yaml:"place"`
	Grid  string      `json:"grid,omitempty" yaml:"grid"`
	URL   string      `json:"-" yaml:"url"`           // rtsp://HOST/PATH; empty: the camera pushes (WHIP)
	User  string      `json:"-" yaml:"user"`          //
	File  string      `json:"-" yaml:"password_file"` // with the password; of one that pushes: with its token
	UDP   bool        `json:"-" yaml:"udp"`           // pictures come over UDP
}

// Pushes reports whether the camera sends by itself.
func (c Camera) Pushes() bool { return c.URL == "" }

// Validate reports everything that is wrong with one camera.
func (c Camera) Validate() error {
	var errs []error
	want := func(ok bool, key string, value any, what string) {
		if !ok {
			errs = append(errs, configs.Fault(key, value, "%s", what))
		}
	}
	want(c.ID != "" && len(c.ID) <= 64 && strings.Trim(c.ID, "abcdefghijklmnopqrstuvwxyz0123456789-") == "", "id", c.ID, "small letters, digits and hyphens")
	want(c.Name.ZH != "", "name.zh", c.Name.ZH, "a name")
	want(c.Place.Valid(), "place", fmt.Sprintf("%v, %v", c.Place.Lon, c.Place.Lat), "WGS-84 degrees: {lon: 120.16, lat: 30.27}")
	if c.Pushes() {
		want(c.File != "", "password_file", c.File, "a file with the token that the camera shows: it has no url, so it sends by itself")
	} else if err := (camera.Source{ID: c.ID, URL: c.URL}).Validate(); err != nil {
		want(false, "url", hidden(c.URL), err.Error())
	}
	want(c.User == "" || c.File != "", "password_file", c.File, "a file with the password of the user")
	return errors.Join(errs...)
}

// hidden is an address of which a mistake can be shown: without what stands
// before the host, which may be a password.
func hidden(address string) string {
	if i := strings.LastIndex(address, "@"); i >= 0 {
		return "…" + address[i:]
	}
	return address
}

// Secret reads the password or token of a camera whose list stands in dir. A file
// that others may read is refused.
func (c Camera) Secret(dir string) (string, error) {
	if c.File == "" {
		return "", nil
	}
	path := c.File
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	st, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("camera %s: password_file: %w", c.ID, err)
	}
	if st.Mode().Perm()&0o077 != 0 {
		return "", fmt.Errorf("camera %s: password_file: %s can be read by others: chmod 600", c.ID, path)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("camera %s: password_file: %w", c.ID, err)
	}
	secret := strings.TrimRight(string(b), "\r\n")
	if secret == "" {
		return "", fmt.Errorf("camera %s: password_file: %s is empty", c.ID, path)
	}
	return secret, nil
}

// Book is the cameras with their secrets.
type Book struct {
	list    []Camera
	secrets map[string]string
}

// Open reads the secrets of the cameras, those of each file beside it.
func Open(list []Camera, dirOf func(id string) string) (*Book, error) {
	b := &Book{list: list, secrets: map[string]string{}}
	var errs []error
	for _, c := range list {
		secret, err := c.Secret(dirOf(c.ID))
		errs = append(errs, err)
		b.secrets[c.ID] = secret
	}
	return b, errors.Join(errs...)
}

// List is every camera, in the order of the files.
func (b *Book) List() []Camera { return b.list }

// Sources are the cameras as the media plane takes them.
func (b *Book) Sources() []camera.Source {
	var out []camera.Source
	for _, c := range b.list {
		out = append(out, camera.Source{ID: c.ID, URL: c.URL, User: c.User, Password: b.secrets[c.ID], UDP: c.UDP, Push: c.Pushes()})
	}
	return out
}

// MaySend reports whether token is that of a camera that pushes.
func (b *Book) MaySend(id, token string) bool {
	for _, c := range b.list {
		if c.ID == id && c.Pushes() {
			have, want := sha256.Sum256([]byte(token)), sha256.Sum256([]byte(b.secrets[id]))
			return subtle.ConstantTimeCompare(have[:], want[:]) == 1
		}
	}
	return false
}
