package wire

import (
	"fmt"

	"github.com/fxamacker/cbor/v2"
)

// short writes keys in the order of the fields, as a reader that is cut off
// wants them, and numbers as short as they go without losing a bit.
var short = func() cbor.EncMode {
	mode, err := cbor.EncOptions{Sort: cbor.SortNone, ShortestFloat: cbor.ShortestFloat16}.EncMode()
	if err != nil {
		panic(err) // the options are constant
	}
	return mode
}()

// CBOR encodes an envelope as RFC 8949 says. A value that it cannot encode is a
// programming error.
func CBOR(v any) ([]byte, error) {
	b, err := short.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("cbor: %w", err)
	}
	return b, nil
}
