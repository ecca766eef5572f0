package chain_test

import (
	"fmt"
	"testing"

	"gridhub/hub/history/influx/influxtest"
)

// TestInflux keeps the readings in a real InfluxDB, kills it under way, and
// holds that screens and hazards do not wait for it and that nothing is missing
// when it is back.
func TestInflux(t *testing.T) {
	db := influxtest.Start(t)
	s := openStreet(t, fmt.Sprintf("history: {store: influx, influx: {url: %q, version: 1, bucket: %q}}\n", db.URL, db.Bucket))
	s.showsDepth(dry)
	db.Kill()
	s.slave.set(gaugeUnit, gaugeRegister, wet)
	_, c := s.oneHazard()
	s.slave.set(gaugeUnit, gaugeRegister, dry)
	s.clears(c)
	if err := s.desk.call("GET", "/api/v1/devices/"+gauge+"/series?metric=depth", nil, nil); err == nil {
		t.Error("the history answers without its database")
	}
	db.Restart(t)
	s.accounts()
}
