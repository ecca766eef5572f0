package influx

import (
	"testing"
	"time"

	"context"
	"gridhub/hub/history"
	"gridhub/hub/history/historytest"
	"gridhub/hub/history/influx/influxtest"
)

func open(t testing.TB, url, bucket string) *Store {
	t.Helper()
	s, err := Open(Config{URL: url, Version: 1, Bucket: bucket, Token: "user:password", Timeout: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestSuite(t *testing.T) {
	server := influxtest.Start(t)
	historytest.Run(t, historytest.Options{Blind: true}, func(t *testing.T) history.Store {
		s := open(t, server.URL, server.Bucket)
		for _, q := range []string{"DROP DATABASE gridhub", "CREATE DATABASE gridhub"} {
			if err := s.QL(context.Background(), q); err != nil {
				t.Fatal(err)
			}
		}
		return s
	})
}
