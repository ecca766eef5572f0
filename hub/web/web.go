// Package web holds the three faces of the hub: the centre at /, the field at
// /field/ and the open page for residents and partners at /p/, built by Vite into dist and embedded in the binary.
//
// It promises that what is served is exactly what was built: hashed files are
// cached for ever, pages never, and every answer carries a content security
// policy that runs no inline script. A hub that was built without the faces
// says so on its page. Data comes from hub/api; this package knows none.
package web

import (
	"bytes"
	"embed"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"
)

//go:embed all:dist
var built embed.FS

// policy allows what the faces need and no more: MapLibre's worker is a file
// of our own, it draws images from blobs; calls play media from blobs; live
// data comes over WebSocket from this host. Styles set from scripts go through
// the CSSOM and need no exception.
const policy = "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; " +
	"connect-src 'self' ws: wss:; worker-src 'self'; object-src 'none'; " +
	"base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

const permissions = "camera=(self), microphone=(self), geolocation=(self), screen-wake-lock=(self), " +
	"payment=(), usb=(), serial=(), interest-cohort=()"

const unbuilt = `<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>gridhub</title>
<h1>页面尚未构建 · The pages are not built</h1>
<p>接口与采集正常运行。请执行 <code>npm ci &amp;&amp; npm run build</code>（在 hub/web 目录），再重新编译 hub。</p>
<p>The hub runs, but was compiled without its pages. Run <code>npm ci &amp;&amp; npm run build</code> in hub/web and build the hub again.</p>`

// Handler serves the faces. It is safe for concurrent use.
func Handler() http.Handler {
	dist, err := fs.Sub(built, "dist")
	if err != nil {
		panic(err) // the folder is named by the embed directive above
	}
	return handler{dist}
}

type handler struct{ dist fs.FS }

func (h handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	guard(w.Header())
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		http.Error(w, "only GET", http.StatusMethodNotAllowed)
		return
	}
	if r.URL.Path == "/field" || r.URL.Path == "/p" {
		http.Redirect(w, r, r.URL.Path+"/", http.StatusMovedPermanently)
		return
	}
	name := file(r.URL.Path)
	body, err := fs.ReadFile(h.dist, name)
	switch {
	case err == nil:
		w.Header().Set("Cache-Control", lifetime(name))
		w.Header().Set("Content-Type", contentType(name))
		http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(body))
	case strings.HasSuffix(name, "index.html"):
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = w.Write([]byte(unbuilt)) // the reader left; nobody to tell
	default:
		http.NotFound(w, r)
	}
}

func guard(h http.Header) {
	h.Set("Content-Security-Policy", policy)
	h.Set("Permissions-Policy", permissions)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
}

// file maps a path to a file of dist; a folder is its index page.
func file(p string) string {
	name := strings.TrimPrefix(path.Clean("/"+p), "/")
	if name == "" || strings.HasSuffix(p, "/") {
		return path.Join(name, "index.html")
	}
	return name
}

// lifetime is for ever for files whose name carries the hash of their content,
// and nothing for all others: they are asked for again each time.
func lifetime(name string) string {
	if strings.HasPrefix(name, "assets/") || strings.HasPrefix(name, "field/assets/") || strings.HasPrefix(name, "p/assets/") {
		return "public, max-age=31536000, immutable"
	}
	return "no-cache"
}

// contentType does not ask the machine's own table, which may lack or alter
// the types that browsers insist on.
func contentType(name string) string {
	switch path.Ext(name) {
	case ".html":
		return "text/html; charset=utf-8"
	case ".js", ".mjs":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".png":
		return "image/png"
	case ".webmanifest":
		return "application/manifest+json"
	case ".json", ".map":
		return "application/json"
	case ".woff2":
		return "font/woff2"
	}
	return "application/octet-stream"
}
