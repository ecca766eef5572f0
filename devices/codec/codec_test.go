package codec

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestValidMetric(t *testing.T) {
	for name, want := range map[string]bool{"ch4": true, "PM2.5": true, "a-b_c": true, "": false, "_quality": false, "point_quality": false, "quality": true, "a b": false,
		"é": false, "a,b": false, strings.Repeat("x", MaxMetric): true, strings.Repeat("x", MaxMetric+1): false} {
		if ValidMetric([]byte(name)) != want {
			t.Errorf("%q: want %v", name, want)
		}
	}
}

func TestCauseOf(t *testing.T) {
	if c := CauseOf(fmt.Errorf("batch: %w", Errorf(TooDeep, "33"))); c != TooDeep {
		t.Error(c)
	}
	if c := CauseOf(errors.New("?")); c != Malformed {
		t.Error(c)
	}
}
