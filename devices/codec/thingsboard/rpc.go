package thingsboard

import (
	"encoding/json"
	"math"

	"gridhub/devices/codec"
	"gridhub/devices/codec/jsonread"
)

// Request returns the payload of v1/devices/me/rpc/request/<number>
// (thingsboard.io/docs/reference/mqtt-api, "Server-side RPC").
func Request(method string, params any) ([]byte, error) {
	return json.Marshal(map[string]any{"method": method, "params": params})
}

// GatewayRequest returns the payload of v1/gateway/rpc that asks one device
// behind a gateway (…/gateway-mqtt-api, "Server-side RPC").
func GatewayRequest(number int64, device, method string, params any) ([]byte, error) {
	return json.Marshal(map[string]any{"device": device, "data": map[string]any{"id": number, "method": method, "params": params}})
}

// Answer is what a device said to a request.
type Answer struct {
	Number int64  // of the gateway API; the device API has it in the topic
	Device string // of the gateway API
	Failed bool   // it said so: "error" is there, or "success" is false
	Detail string // what it said, if it failed
	Values map[string]float64
}

// maxDetail bounds what is kept of a device's own words, in bytes.
const maxDetail = 500

// ReadAnswer reads v1/devices/me/rpc/response/<number>. A device answers with
// whatever it likes, also with nothing: that it answers is the answer.
func ReadAnswer(p []byte) (a Answer, err error) {
	if len(p) == 0 {
		return a, nil
	}
	if len(p) > MaxBytes {
		return a, codec.Errorf(codec.TooLarge, "%d bytes, at most %d", len(p), MaxBytes)
	}
	if err := jsonread.Check(p); err != nil {
		return a, err
	}
	a.read(p)
	return a, nil
}

// ReadGatewayAnswer reads v1/gateway/rpc as a gateway sends it:
// {"device":"Device A","id":1,"data":…}.
func ReadGatewayAnswer(p []byte) (a Answer, err error) {
	if len(p) > MaxBytes {
		return a, codec.Errorf(codec.TooLarge, "%d bytes, at most %d", len(p), MaxBytes)
	}
	if err := jsonread.Check(p); err != nil {
		return a, err
	}
	var outer struct {
		Device string          `json:"device"`
		ID     *int64          `json:"id"`
		Data   json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(p, &outer); err != nil || outer.ID == nil || outer.Device == "" {
		return a, codec.Errorf(codec.Shape, "want a device and an id")
	}
	a.read(outer.Data)
	a.Number, a.Device = *outer.ID, outer.Device
	return a, nil
}

// read takes what is well-formed JSON, or nothing.
func (a *Answer) read(p []byte) {
	var said map[string]any
	if json.Unmarshal(p, &said) != nil {
		return // a bare value says no more than that there is an answer
	}
	if success, told := said["success"].(bool); told && !success {
		a.Failed = true
	}
	if e, told := said["error"]; told && e != nil && e != false && e != "" {
		a.Failed = true
	}
	if a.Failed {
		a.Detail = string(p[:min(len(p), maxDetail)])
	}
	for name, v := range said {
		if len(a.Values) == MaxValues || !codec.ValidMetric([]byte(name)) {
			continue
		}
		if n, ok := number(v); ok {
			if a.Values == nil {
				a.Values = map[string]float64{}
			}
			a.Values[name] = n
		}
	}
}

func number(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, !math.IsInf(v, 0) && !math.IsNaN(v)
	case bool:
		if v {
			return 1, true
		}
		return 0, true
	}
	return 0, false
}
