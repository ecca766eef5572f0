package jsonread

import (
	"encoding/json"
	"strings"
	"testing"

	"gridhub/devices/codec"
)

func TestCheck(t *testing.T) {
	tests := []struct {
		in   string
		want codec.Cause // empty: good
	}{
		{`{"a":[1,-0.5e3,true,false,null,"x\u00e9\ud83d\ude00\n"],"b":{}}`, ""},
		{`[]`, ""},
		{strings.Repeat("[", MaxDepth) + strings.Repeat("]", MaxDepth), ""},
		{strings.Repeat("[", MaxDepth+1) + strings.Repeat("]", MaxDepth+1), codec.TooDeep},
		{`{"a":1,"b":{"c":1,"c":2}}`, codec.Duplicate},
		{`{"a":1,"\u0061":2}`, codec.Duplicate},
		{``, codec.Malformed},
		{`{"a":1,}`, codec.Shape},
		{`[1 2]`, codec.Malformed},
		{`{"a" 1}`, codec.Malformed},
		{`nul`, codec.Malformed},
		{`01`, codec.Shape},
		{`1.`, codec.Malformed},
		{`1e`, codec.Malformed},
		{`"\x"`, codec.Malformed},
		{`"\udc00"`, codec.Malformed},
		{`"`, codec.Malformed},
		{`[] []`, codec.Malformed},
	}
	for _, tt := range tests {
		err := Check([]byte(tt.in))
		if (err == nil) != (tt.want == "") || err != nil && codec.CauseOf(err) != tt.want {
			t.Errorf("%.40q: %v, want %q", tt.in, err, tt.want)
		}
		if good := json.Valid([]byte(tt.in)); err == nil && !good {
			t.Errorf("%.40q is not JSON", tt.in)
		}
	}
}

func TestWholeNumbers(t *testing.T) {
	var r Reader
	for in, want := range map[string]int64{"0": 0, "-7": -7, "9223372036854775807": 1<<63 - 1} {
		r.Reset([]byte(in))
		if got := r.Int(); got != want || r.End() != nil {
			t.Errorf("%s: %d, %v", in, got, r.Err())
		}
	}
	for in, want := range map[string]codec.Cause{"9223372036854775808": codec.Number, "99999999999999999999": codec.Number, "1.0": codec.Shape, "1e3": codec.Shape, "x": codec.Shape} {
		r.Reset([]byte(in))
		r.Int()
		if codec.CauseOf(r.Err()) != want || r.Err() == nil {
			t.Errorf("%s: %v, want %s", in, r.Err(), want)
		}
	}
	r.Reset([]byte("-1"))
	if r.Uint(); codec.CauseOf(r.Err()) != codec.Number {
		t.Errorf("-1 without a sign: %v", r.Err())
	}
}

func TestErrorsStick(t *testing.T) {
	var r Reader
	r.Reset([]byte(`{"a":x,"b":1}`))
	r.Begin('{')
	r.More('}')
	r.Key()
	r.Float()
	first := r.Err()
	if first == nil || r.More('}') || r.Peek() != 0 || r.Bool() || r.End() != first {
		t.Errorf("%v, then %v", first, r.Err())
	}
}

// FuzzCheck: what passes is JSON.
func FuzzCheck(f *testing.F) {
	f.Add([]byte(`{"a":[1,-0.5e3,true,false,null,"x\u00e9\ud83d\ude00\n"],"b":{}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if Check(b) == nil && !json.Valid(b) {
			t.Fatalf("%q passes", b)
		}
	})
}
