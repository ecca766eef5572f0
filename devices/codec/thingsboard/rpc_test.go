package thingsboard

import (
	"reflect"
	"testing"
)

func TestRequests(t *testing.T) {
	one, err := Request("siren", true)
	if want := `{"method":"siren","params":true}`; err != nil || string(one) != want {
		t.Errorf("%s, %v; want %s", one, err, want)
	}
	behind, err := GatewayRequest(7, "Cabinet 4", "setpoint", 21.5)
	if want := `{"data":{"id":7,"method":"setpoint","params":21.5},"device":"Cabinet 4"}`; err != nil || string(behind) != want {
		t.Errorf("%s, %v; want %s", behind, err, want)
	}
}

func TestAnswers(t *testing.T) {
	for said, want := range map[string]Answer{
		``:                                  {},
		`true`:                              {},
		`{}`:                                {},
		`{"success":true,"level":2}`:        {Values: map[string]float64{"success": 1, "level": 2}},
		`{"success":false}`:                 {Failed: true, Detail: `{"success":false}`, Values: map[string]float64{"success": 0}},
		`{"error":"stuck","level":2}`:       {Failed: true, Detail: `{"error":"stuck","level":2}`, Values: map[string]float64{"level": 2}},
		`{"error":null,"a b":1,"t":"text"}`: {},
		`[{"error":"in a list"}]`:           {},
	} {
		if got, err := ReadAnswer([]byte(said)); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v; want %+v", said, got, err, want)
		}
	}
	for _, said := range []string{`{`, `{"a":1,"a":2}`, "\xff"} {
		if a, err := ReadAnswer([]byte(said)); err == nil {
			t.Errorf("%q is read as %+v", said, a)
		}
	}
	got, err := ReadGatewayAnswer([]byte(`{"device":"Cabinet 4","id":7,"data":{"success":true}}`))
	if want := (Answer{Number: 7, Device: "Cabinet 4", Values: map[string]float64{"success": 1}}); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
	for _, said := range []string{``, `{}`, `{"device":"x"}`, `{"id":1}`, `{"device":"x","id":1.5}`, `{"device":"x","id":"1"}`, `[]`} {
		if a, err := ReadGatewayAnswer([]byte(said)); err == nil {
			t.Errorf("%q is read as %+v", said, a)
		}
	}
}

func FuzzAnswers(f *testing.F) {
	for _, said := range []string{``, `true`, `{"success":false,"error":{}}`, `{"device":"x","id":1,"data":{"v":1e400}}`, `{"device":"x","id":1,"data":[1]}`, `{"a":`} {
		f.Add([]byte(said))
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		for _, read := range []func([]byte) (Answer, error){ReadAnswer, ReadGatewayAnswer} {
			a, err := read(p)
			if len(a.Detail) > maxDetail || len(a.Values) > MaxValues || err != nil && !reflect.DeepEqual(a, Answer{}) {
				t.Errorf("%q: %+v, %v", p, a, err)
			}
		}
	})
}
