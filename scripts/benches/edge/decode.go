package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"gridhub/devices"
	"gridhub/devices/codec/native"
	"gridhub/devices/telemetry"
	"gridhub/devices/wire"

	"github.com/fxamacker/cbor/v2"
)

// decoding is how long each way of writing a batch is decoded.
const decoding = 3 * time.Second

// decode measures what one core of a hub makes of batches.
func (b *bench) decode(context.Context) error {
	batch := fullBatch(200)
	text, err := json.Marshal(batch)
	if err != nil {
		return err
	}
	if b.JSON, err = pointsPerSecond(text); err != nil {
		return err
	}
	binary, err := cbor.Marshal(batch)
	if err != nil {
		return err
	}
	if b.CBOR, err = pointsPerSecond(binary); err != nil {
		return err
	}
	fmt.Printf("one core decodes %d points/s of JSON (%d bytes a point), %d of CBOR (%d)\n",
		b.JSON, len(text)/200/registers, b.CBOR, len(binary)/200/registers)
	return nil
}

func fullBatch(records int) wire.Batch {
	now := telemetry.At(time.Now())
	out := wire.Batch{V: 1, Now: now, Stream: wire.Data, Epoch: 1, First: 1, Last: uint64(records), Floor: 1}
	for i := range records {
		r := wire.Record{Seq: uint64(i + 1), Device: devices.ID(units()[i%slaves].id()), At: now, Values: map[string]float64{}}
		for k := range registers {
			r.Values[fmt.Sprintf("m%d", k)] = float64(100+i) / 4
		}
		out.Records = append(out.Records, r)
	}
	return out
}

func pointsPerSecond(payload []byte) (int, error) {
	var d native.Decoder
	points := 0
	began := time.Now()
	for time.Since(began) < decoding {
		b, err := d.Batch(payload)
		if err != nil {
			return 0, err
		}
		for _, r := range b.Records {
			points += len(r.Values)
		}
	}
	return int(float64(points) / time.Since(began).Seconds()), nil
}
