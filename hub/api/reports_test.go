package api

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"gridhub/devices/telemetry"
	"gridhub/hub/identity"
	"gridhub/hub/reports"
	"gridhub/hub/sheets"
	"gridhub/hub/store/storetest"
)

// TestReportsAreListedAndDownloaded makes the newest weekly report and fetches it.
func TestReportsAreListedAndDownloaded(t *testing.T) {
	monday := time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	m, err := reports.Open(t.Context(), storetest.Open(t), reports.Options{Reports: reports.Default(), Folder: t.TempDir(), Zone: time.UTC,
		Now: func() time.Time { return monday },
		Sheet: func(_ context.Context, _, _ telemetry.Millis, by string) (sheets.Sheet, string, error) {
			return sheets.Sheet{Name: by, Head: []string{by}}, "2", nil
		}})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Make(t.Context()); err != nil {
		t.Fatal(err)
	}
	a := New(Deps{Accounts: doorman{}, Reports: m})
	get := func(path string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodGet, "/api/v1/figures/"+path, nil)
		r.AddCookie(&http.Cookie{Name: SessionCookie, Value: string(identity.Dispatcher)})
		w := httptest.NewRecorder()
		a.ServeHTTP(w, r)
		return w
	}
	if w := get("reports"); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"file":"weekly-2026-11-23.xlsx","name":"weekly","title":"周报"`) ||
		!strings.Contains(w.Body.String(), `"version":"2"`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	w := get("reports/weekly-2026-11-23.xlsx")
	if w.Code != http.StatusOK || !strings.HasPrefix(w.Body.String(), "PK") || w.Header().Get("Content-Disposition") != `attachment; filename="weekly-2026-11-23.xlsx"` {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	for _, none := range []string{"reports/weekly-2020-01-06.xlsx", "reports/..%2fhub.db"} {
		if w := get(none); w.Code != http.StatusNotFound {
			t.Errorf("%s: %d", none, w.Code)
		}
	}
}
