// Package evidence keeps what proves: photos and documents, addressed by the
// SHA-256 of their bytes, the original untouched beside the forms made of it
// (thumbnail, watermark). Time and place of capture come from the terminal and
// are never replaced by those of the upload.
package evidence

import (
	"gridhub/devices/telemetry"
	"gridhub/hub/geo"
	"gridhub/hub/identity"
)

// Meta is what the terminal says about a capture.
type Meta struct {
	Case     identity.CaseID   `json:"case,omitempty"`
	Kind     string            `json:"kind"` // photo-before, photo-after, patrol, document
	By       identity.PersonID `json:"by"`
	At       telemetry.Millis  `json:"at"`              // capture, terminal's clock
	Place    *geo.Point        `json:"place,omitempty"` // nil when the terminal had no fix
	Accuracy float64           `json:"accuracy_m"`
	Caption  []string          `json:"caption,omitempty"` // lines of the watermark
}

// Item is one piece of evidence.
type Item struct {
	Meta
	Hash     string           `json:"hash"` // hex SHA-256 of the original
	Type     string           `json:"type"` // image/jpeg
	Size     int64            `json:"size"`
	Received telemetry.Millis `json:"received"`
	Look     Look             `json:"-"`
}
