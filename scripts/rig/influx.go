package rig

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
)

// Bucket is the database that Influx makes, as clients of version 2 name it.
const Bucket = "gridhub/autogen"

// Influx is a running InfluxDB 1.8 with one empty database.
type Influx struct {
	*Program
	URL string
}

// StartInflux starts influxd from the PATH on files in dir.
func StartInflux(ctx context.Context, dir string) (*Influx, error) {
	var address string
	if err := FreeAddresses(&address); err != nil {
		return nil, err
	}
	p, err := start(dir, "influxd", "influxd", []string{
		"INFLUXDB_META_DIR=" + filepath.Join(dir, "meta"), "INFLUXDB_DATA_DIR=" + filepath.Join(dir, "data"),
		"INFLUXDB_DATA_WAL_DIR=" + filepath.Join(dir, "wal"), "INFLUXDB_HTTP_BIND_ADDRESS=" + address,
		"INFLUXDB_BIND_ADDRESS=127.0.0.1:0", "INFLUXDB_HTTP_FLUX_ENABLED=true", "INFLUXDB_REPORTING_DISABLED=true",
		"INFLUXDB_MONITOR_STORE_ENABLED=false", "INFLUXDB_HTTP_LOG_ENABLED=false",
		"INFLUXDB_DATA_QUERY_LOG_ENABLED=false", "INFLUXDB_LOGGING_LEVEL=warn"}, "-config", os.DevNull)
	if err != nil {
		return nil, err
	}
	in := &Influx{p, "http://" + address}
	if err = p.Await(ctx, func() error { return answers(in.URL + "/health") }); err == nil {
		_, err = in.query(ctx, "CREATE DATABASE gridhub")
	}
	if err != nil {
		p.Stop()
		return nil, err
	}
	return in, nil
}

// Count is how many points of a measurement have a field.
func (in *Influx) Count(ctx context.Context, measurement, field string) (int, error) {
	n, err := in.query(ctx, fmt.Sprintf("SELECT COUNT(%q) FROM %q", field, measurement))
	return int(n), err
}

// query returns the value of the first row of the answer, 0 when it has none.
func (in *Influx) query(ctx context.Context, q string) (float64, error) {
	address := in.URL + "/query?" + url.Values{"db": {"gridhub"}, "q": {q}}.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, nil)
	if err != nil {
		return 0, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	var answer struct {
		Error   string
		Results []struct {
			Error  string
			Series []struct{ Values [][]any }
		}
	}
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
		return 0, fmt.Errorf("influxd: %w", err)
	}
	if len(answer.Results) == 0 || answer.Error != "" || answer.Results[0].Error != "" {
		return 0, fmt.Errorf("influxd: %+v", answer)
	}
	for _, s := range answer.Results[0].Series {
		if len(s.Values) > 0 && len(s.Values[0]) > 1 {
			if n, ok := s.Values[0][1].(float64); ok {
				return n, nil
			}
		}
	}
	return 0, nil
}
