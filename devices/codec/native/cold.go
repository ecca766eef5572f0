package native

import (
	"encoding/json"
	"errors"

	"gridhub/devices/codec"
	"gridhub/devices/codec/jsonread"
)

// Unmarshal reads any other envelope of devices/wire into v, as JSON or CBOR,
// within the limits of this package. It is for what comes seldom (inventory,
// event, status, reply): it allocates as encoding/json does.
func Unmarshal(p []byte, v any) error {
	if err := checkSize(p); err != nil {
		return err
	}
	if !isJSON(p) {
		return refused(binary.Unmarshal(p, v))
	}
	if err := jsonread.Check(p); err != nil {
		return err
	}
	err := json.Unmarshal(p, v)
	var shape *json.UnmarshalTypeError
	if errors.As(err, &shape) {
		return codec.Errorf(codec.Shape, "%s: %s does not fit", shape.Field, shape.Value)
	}
	if err != nil {
		return codec.Errorf(codec.Malformed, "%v", err)
	}
	return nil
}
