package server

import (
	"context"
	"path/filepath"

	"gridhub/hub/audit"
)

// auditHead is the signed head of the audit log, in the data folder.
const auditHead = "audit.head"

// openAudit comes before the parts whose acts it records; its head is signed
// with the archive's key, which is open by the time that Run asks for it.
func (h *Hub) openAudit(ctx context.Context) (err error) {
	h.audit, err = audit.Open(ctx, h.db, audit.Options{Now: h.now, Head: filepath.Join(h.cfg.Data, auditHead),
		Sign: func(text string) (string, error) { return h.archive.Vouch(text) },
		Open: func(signed string) (string, error) { return h.archive.Vouched(signed) }, Log: h.log})
	return err
}
