package telemetry

import (
	"reflect"
	"testing"
)

func TestMerge(t *testing.T) {
	old, newer := Key{Sender: "g", Stream: "data", Epoch: 1, Seq: 5, Offset: 9}, Key{Sender: "g", Stream: "data", Epoch: 1, Seq: 6, Offset: 8}
	tests := []struct {
		name          string
		key           Key
		in, news, all []Field
		want          Verdict
	}{
		{"the same", newer, []Field{{"b", 2}}, nil, []Field{{"b", 2}, {"d", 4}}, Repeated},
		{"more metrics", old, []Field{{"a", 1}, {"b", 2}, {"c", 3}, {"e", 5}}, []Field{{"a", 1}, {"c", 3}, {"e", 5}},
			[]Field{{"a", 1}, {"b", 2}, {"c", 3}, {"d", 4}, {"e", 5}}, Stored},
		{"a newer value", newer, []Field{{"b", 7}}, []Field{{"b", 7}}, []Field{{"b", 7}, {"d", 4}}, Superseded},
		{"an older value", old, []Field{{"b", 7}, {"c", 3}}, []Field{{"c", 3}}, []Field{{"b", 2}, {"c", 3}, {"d", 4}}, Superseded},
	}
	for _, tt := range tests {
		i := Instant{Key: old, Fields: []Field{{"b", 2}, {"d", 4}}}
		news, v := i.Merge(tt.key, tt.in, nil)
		if v != tt.want || !reflect.DeepEqual(news, tt.news) || !reflect.DeepEqual(i.Fields, tt.all) {
			t.Errorf("%s: %v, news %v, all %v", tt.name, v, news, i.Fields)
		}
		if want := (tt.key == newer); (i.Key == newer) != want {
			t.Errorf("%s: key is %+v", tt.name, i.Key)
		}
	}
}
