package intake

import (
	"context"
	"encoding/binary"

	"gridhub/devices/telemetry"
)

// Begin notes in the journal that the hub starts, so that whoever counts the
// silence of senders knows, in a replay too, when nobody was listening. It
// returns when that is durable.
func (in *Intake) Begin(ctx context.Context, at telemetry.Millis) error {
	_, err := in.journal.Append(ctx, binary.AppendUvarint([]byte{recordVersion, began}, uint64(at)))
	return err
}

// starting reads what Begin wrote.
func starting(body []byte, out *Decoded) error {
	c := cut{b: body}
	out.At, out.Began = telemetry.Millis(c.uint()), true
	return c.err
}
