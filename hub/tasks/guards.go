package tasks

import (
	"fmt"
	"slices"
)

// bars says what the matter puts in the way of a step that the state allows.
func (m Matter) bars(c *Case, t EventType) error {
	switch {
	case t == Claimed && m.unsigned(c):
		return &RefusedError{Code: "cosign", Reason: fmt.Sprintf("claimed needs the counter-sign of %v first", m.Cosign.Signers)}
	case t == Spot && (len(m.Must) > 0 || len(m.Cosign.Signers) > 0):
		return &RefusedError{Code: "state", Reason: "this matter is not handled on the spot: other departments take part in it"}
	case t == Returned && slices.Contains(m.Review, c.Source):
		return &RefusedError{Code: "state", Reason: "a case from " + c.Source + " is not simply returned: object, and it is reviewed"}
	}
	return nil
}

// spare reports whether a step is possible and yet not offered, because nothing
// asks for it: an objection where a case may be returned, a counter-sign that no
// matter demands, that somebody who found nothing handled it on the spot.
func (m Matter) spare(c *Case, t EventType) bool {
	return t == Objected && !slices.Contains(m.Review, c.Source) || t == Cosign && !m.unsigned(c) || t == Spot && c.Source != "patrol"
}
