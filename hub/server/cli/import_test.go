package cli_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gridhub/hub/server"
	"gridhub/hub/server/cli"
)

const config = `
data: %s
street: %s/demo
matters: [%[2]s/matters]
rules: []
hotline: %[2]s/hotline.yaml
figures: %[2]s/figures.yaml
http: {address: "127.0.0.1:%[3]d", secure: ""}
mqtt:
  listeners:
    - {name: plain, network: tcp, address: "127.0.0.1:0", profile: identity}
media: {address: "127.0.0.1:0"}
`

// start runs a hub of the demo street until the test ends.
func start(t *testing.T) (configFile, address string) {
	t.Helper()
	shipped, err := filepath.Abs("../../../configs")
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "hub") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	port := freePort(t)
	configFile = filepath.Join(dir, "hub.yaml")
	if err := os.WriteFile(configFile, fmt.Appendf(nil, config, filepath.Join(dir, "data"), shipped, port), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := server.Load(configFile)
	if err != nil {
		t.Fatal(err)
	}
	h, err := server.New(t.Context(), cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- h.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	claim(t, filepath.Join(dir, "data", "setup-token"), fmt.Sprintf("http://127.0.0.1:%d", port))
	select {
	case <-h.Ready():
	case <-time.After(30 * time.Second):
		t.Fatal("the hub is not ready")
	}
	return configFile, fmt.Sprintf("http://127.0.0.1:%d", port)
}

// claim makes the hub's administrator: before that residents are not heard.
func claim(t *testing.T, tokenFile, address string) {
	t.Helper()
	var token []byte
	for limit := time.Now().Add(30 * time.Second); len(token) == 0; time.Sleep(5 * time.Millisecond) { // the hub is starting
		token, _ = os.ReadFile(tokenFile)
		if time.Now().After(limit) {
			t.Fatal("the hub made no token")
		}
	}
	body := fmt.Sprintf(`{"token": %q, "account": "admin", "password": "long enough for a test"}`, strings.TrimSpace(string(token)))
	res, err := http.Post(address+"/api/v1/setup", "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode >= 300 {
		b, _ := io.ReadAll(res.Body) // the status is error enough
		t.Fatalf("the hub was not claimed: %s %s", res.Status, b)
	}
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// TestImportFromTheCommandLine sends a file to a running hub twice, and looks at
// what residents then see.
func TestImportFromTheCommandLine(t *testing.T) {
	cfg, address := start(t)
	dir := t.TempDir()
	file, rejected := filepath.Join(dir, "orders.csv"), filepath.Join(dir, "rejected.csv")
	if err := os.WriteFile(file, []byte("工单编号,诉求内容,事发地址\nH1,楼下垃圾没人清运,南埠5幢\nH2,沿街店外经营,\nH3,,\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for round, want := range []string{"3 rows: 2 new cases, 0 known, 1 rejected", "3 rows: 0 new cases, 2 known, 1 rejected"} {
		var out bytes.Buffer
		if err := cli.Run(t.Context(), []string{"import", "hotline", file, "--config", cfg}, &out, io.Discard); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out.String(), want) || !strings.Contains(out.String(), "诉求内容") {
			t.Errorf("round %d:\n%s", round, out.String())
		}
	}
	if err := cli.Run(t.Context(), []string{"import", "hotline", file, "--config", cfg, "--rejected", rejected}, io.Discard, io.Discard); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(rejected); err != nil || !bytes.Contains(b, []byte("4,诉求内容,,1 to 3000 characters")) {
		t.Errorf("%s, %v", b, err)
	}
	res, err := http.Get(address + "/open311/v2/requests.json")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil || strings.Count(string(b), `"service_request_id"`) != 2 || strings.Contains(string(b), "5幢") {
		t.Errorf("%s, %v", b, err)
	}
	if err := os.WriteFile(file, []byte("a,b\n1,2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := cli.Run(t.Context(), []string{"import", "hotline", file, "--config", cfg}, io.Discard, io.Discard); err == nil || !strings.Contains(err.Error(), "工单编号") {
		t.Errorf("a file without headings: %v", err)
	}
}
