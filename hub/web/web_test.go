package web

import (
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

func get(t *testing.T, dist fs.FS, path string) *http.Response {
	t.Helper()
	w := httptest.NewRecorder()
	handler{dist}.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
	return w.Result()
}

func TestServesPagesAndFiles(t *testing.T) {
	dist := fstest.MapFS{
		"index.html":          {Data: []byte("centre")},
		"field/index.html":    {Data: []byte("field")},
		"field/sw.js":         {Data: []byte("worker")},
		"assets/a-1f2e.js":    {Data: []byte("script")},
		"assets/a-1f2e.css":   {Data: []byte("style")},
		"field/assets/w-1.js": {Data: []byte("the map's worker")},
		"field/app.manifest":  {Data: []byte("?")},
	}
	for _, c := range []struct {
		path, kind, cache string
		status            int
	}{
		{"/", "text/html; charset=utf-8", "no-cache", 200},
		{"/field/", "text/html; charset=utf-8", "no-cache", 200},
		{"/field", "", "", 301},
		{"/field/sw.js", "text/javascript; charset=utf-8", "no-cache", 200},
		{"/assets/a-1f2e.js", "text/javascript; charset=utf-8", "public, max-age=31536000, immutable", 200},
		{"/assets/a-1f2e.css", "text/css; charset=utf-8", "public, max-age=31536000, immutable", 200},
		{"/field/assets/w-1.js", "text/javascript; charset=utf-8", "public, max-age=31536000, immutable", 200},
		{"/assets/gone.js", "", "", 404},
		{"/../web.go", "", "", 404},
	} {
		r := get(t, dist, c.path)
		if r.StatusCode != c.status {
			t.Errorf("%s: status %d, want %d", c.path, r.StatusCode, c.status)
		}
		if c.kind != "" && (r.Header.Get("Content-Type") != c.kind || r.Header.Get("Cache-Control") != c.cache) {
			t.Errorf("%s: %q, %q", c.path, r.Header.Get("Content-Type"), r.Header.Get("Cache-Control"))
		}
	}
}

func TestPolicyForbidsInlineScript(t *testing.T) {
	csp := get(t, fstest.MapFS{}, "/").Header.Get("Content-Security-Policy")
	if !strings.Contains(csp, "default-src 'self'") || strings.Contains(csp, "unsafe") {
		t.Errorf("policy %q", csp)
	}
}

func TestSaysWhenNotBuilt(t *testing.T) {
	for _, path := range []string{"/", "/field/"} {
		r := get(t, fstest.MapFS{".keep": {}}, path)
		if r.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("%s: status %d of an unbuilt page", path, r.StatusCode)
		}
	}
}

func TestOnlyReads(t *testing.T) {
	w := httptest.NewRecorder()
	Handler().ServeHTTP(w, httptest.NewRequest("POST", "/", nil))
	if w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST: status %d", w.Code)
	}
}

// The built pages, when they are there, must obey their own policy.
func TestBuiltPagesHaveNoInlineScript(t *testing.T) {
	pages, err := fs.Glob(built, "dist/*/index.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range append(pages, "dist/index.html") {
		body, err := fs.ReadFile(built, page)
		if err != nil {
			continue // not built: the other tests speak of that
		}
		for _, part := range strings.Split(string(body), "<script")[1:] {
			if !strings.Contains(part[:strings.Index(part, ">")], " src=") {
				t.Errorf("%s: inline script", page)
			}
		}
		if strings.Contains(string(body), "style=") {
			t.Errorf("%s: inline style", page)
		}
	}
}
