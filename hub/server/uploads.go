package server

import (
	"path/filepath"

	"gridhub/hub/evidence/uploads"
)

// openUploads lets evidence come in pieces.
func (h *Hub) openUploads() (err error) {
	h.uploads, err = uploads.Open(uploads.Options{Folder: filepath.Join(h.cfg.Data, "uploads"), Vault: h.evidence, Clock: h.now, Log: h.log})
	return err
}
