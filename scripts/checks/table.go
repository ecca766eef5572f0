package checks

// A ban says which folders must not import which, each with all below it.
type ban struct {
	from, not []string
	because   string
}

var bans = []ban{
	{[]string{"edge"}, []string{"hub"}, "the gateway stands in a cabinet without the hub; they share the wire contract in devices/wire and nothing else"},
	{[]string{"hub"}, []string{"edge"}, "the hub serves gateways that others made; what both know of a device belongs in devices"},
	{[]string{"streams"}, []string{"edge", "hub"}, "what flows is used by both programs and knows neither"},
	{[]string{"devices"}, []string{"edge", "hub", "streams"}, "what a device is does not depend on who reads it or how it travels"},
	{[]string{"configs"}, []string{"edge", "hub", "streams", "devices"}, "the loader explains mistakes to everybody; each package owns its own Config"},
	{[]string{"configs", "devices", "edge", "hub", "streams"}, []string{"scripts"}, "scripts use the programs, never the reverse"},
}

// A layer is a floor of the house. A package may import what lies on a lower
// floor, and its own parent; on the same floor only what neighbours lists. The
// longest root that fits decides.
type layer struct {
	name  string
	roots []string
}

// layers are listed from the ground up.
var layers = []layer{
	{"kernel", []string{"devices", "configs", "hub/geo", "hub/identity"}},
	{"foundation", []string{"hub/store", "hub/sheets", "hub/limit", "streams/journal", "streams/chain", "streams/call", "streams/talk"}},
	{"audit", []string{"hub/audit"}},
	{"features and adapters", []string{"hub", "edge", "streams"}},
	{"faces", []string{"hub/api", "hub/web", "streams/signaling"}},
	{"composition", []string{"hub/server", "edge/gateway"}},
	{"programs", []string{"hub/cli", "hub/server/cli", "edge/cli"}},
}

// programs are the two main packages. They lie on the top floor, although
// their folders contain all the others.
var programs = []string{"edge", "hub"}

// A neighbour may import others of its own floor; x/... is x and all below it.
type neighbour struct {
	from, may []string
	because   string
}

var neighbours = []neighbour{
	{programs, []string{"edge/cli", "hub/cli", "hub/server/cli"}, "main is flags, signals and the exit code"},
	{[]string{"devices/telemetry"}, []string{"devices"}, "a reading belongs to a device"},
	{[]string{"devices/codec"}, []string{"devices", "devices/telemetry", "devices/codec", "devices/codec/jsonread"}, "a codec turns bytes into readings; its formats share the reader of JSON"},
	{[]string{"devices/wire"}, []string{"devices", "devices/telemetry"}, "envelopes carry readings"},
	{[]string{"devices/profile"}, []string{"devices", "devices/telemetry", "devices/codec/...", "devices/wire", "configs"}, "a profile is a file that compiles into a codec's layout and is listed in a gateway's inventory"},
	{[]string{"hub/geo"}, []string{"devices/telemetry"}, "a fix is a reading"},
	{[]string{"edge/poll", "edge/driver"}, []string{"edge/driver"}, "the contract of drivers lies above the drivers and beside who calls them"},
	{[]string{"edge/driver"}, []string{"edge/driver/bus"}, "drivers of many protocols share one serial port's traps"},
	{[]string{"streams/record", "streams/camera", "streams/whip", "streams/radio"},
		[]string{"streams/sfu"}, "they take part in a room"},
	{[]string{"streams/journal"}, []string{"streams/journal/fsx"}, "the journal's disk, exchanged where a crash is tried out"},
	{[]string{"hub/evidence"}, []string{"hub/evidence/font"}, "the typeface of the watermark"},
	{[]string{"hub/forecast"}, []string{"hub/tasks"}, "how long a case takes is read from the cases before it"},
	{[]string{"hub/evidence/uploads"}, []string{"hub/evidence", "hub/tasks"}, "what came in pieces becomes evidence, or is refused in the pool's words"},
	{[]string{"hub/tasks", "hub/rules", "hub/patrol"}, []string{"hub/people"}, "who was on duty at the event's time is a fact that these decide by"},
	{[]string{"hub/rules", "hub/dispatch", "hub/patrol", "hub/figures", "hub/evidence", "hub/calls"}, []string{"hub/tasks"}, "the case is what all of them work for"},
	{[]string{"hub/figures"}, []string{"hub/people"}, "a formula has a name in the two languages of the faces"},
	{[]string{"hub/hotline", "hub/open311", "hub/alike"}, []string{"hub/tasks"}, "what comes from outside becomes a case, and is compared with cases"},
	{[]string{"hub/residents"}, []string{"hub/tasks", "hub/alike", "hub/evidence", "hub/people"}, "what the public reports becomes a case with photos, beside those that speak of the same; a service has a name in two languages"},
	{[]string{"hub/archive"}, []string{"hub/tasks", "hub/evidence"}, "a sealed case is its events and the originals of its evidence"},
	{[]string{"hub/oidc"}, []string{"hub/people"}, "whom a provider vouches for gets an account's session"},
	{[]string{"hub/patrol", "hub/calls"}, []string{"hub/evidence"}, "a visit and a recorded call are evidence"},
	{[]string{"hub/cameras"}, []string{"hub/people", "streams/camera"}, "a camera of the street has a name in the two languages, and is one of the media plane's"},
	{[]string{"hub/recordings"}, []string{"hub/tasks", "streams/record"}, "a recording belongs to a case, and is made by who reads the rings"},
	{[]string{"hub/calls"}, []string{"streams/..."}, "who may call whom is told to the machinery of calls"},
}

// A library's types stop at the packages that adapt it.
type library struct {
	paths   []string // modules, or the owners of several
	homes   []string
	because string
}

const noLeak = "another library can take its place, and its types say nothing of a street"

var libraries = []library{
	{[]string{"github.com/mochi-mqtt/server"}, []string{"hub/broker"}, "acknowledged means durable only as long as the guard alone drives mochi"},
	{[]string{"github.com/eclipse/paho.mqtt.golang"}, []string{"edge/uplink"}, noLeak},
	{[]string{"github.com/influxdata/influxdb-client-go"}, []string{"hub/history/influx"}, "the hub runs without InfluxDB too"},
	{[]string{"github.com/tarm/serial"}, []string{"edge/driver"}, "the serial port is a driver's; tests put a pseudo-terminal there"},
	{[]string{"github.com/pion"}, []string{"streams/sfu", "streams/record", "streams/relay", "streams/camera", "streams/signaling"}, "what a call is must not depend on how its media travel"},
	{[]string{"github.com/at-wat/ebml-go"}, []string{"streams/record"}, "how a file holds media is nobody else's to know"},
	{[]string{"github.com/goccy/go-yaml"}, []string{"configs"}, "one loader explains every mistake in the same way"},
	{[]string{"github.com/fxamacker/cbor", "google.golang.org/protobuf"}, []string{"devices/codec", "devices/wire"}, "payload formats end where a payload has become a reading"},
	{[]string{"github.com/tus", "golang.org/x/exp/slog"}, []string{"hub/evidence/uploads"}, noLeak},
	{[]string{"github.com/xuri/excelize"}, []string{"hub/sheets"}, noLeak},
	{[]string{"modernc.org/sqlite"}, []string{"hub/store", "hub/history/sqlite"}, "features speak database/sql, and their tests run on both databases"},
	{[]string{"github.com/jackc/pgx"}, []string{"hub/store"}, "features speak database/sql, and their tests run on both databases"},
	{[]string{"github.com/danielgtaylor/huma"}, []string{"hub/api"}, "features do not know that they are served over HTTP"},
	{[]string{"github.com/bluenviron"}, []string{"streams/camera"}, noLeak},
	{[]string{"github.com/coder/websocket"}, []string{"hub/broker", "streams/signaling"}, noLeak},
	{[]string{"rsc.io/qr"}, []string{"hub/server/cli", "hub/people"}, "a QR is drawn for a terminal in one place, and for a page in another"},
	{[]string{"github.com/coreos/go-oidc", "golang.org/x/oauth2"}, []string{"hub/oidc"}, noLeak},
	{[]string{"golang.org/x/crypto"}, []string{"hub/people"}, "passwords are hashed in one place"},
	{[]string{"golang.org/x/image"}, []string{"hub/evidence"}, "pictures are read and marked in one place"},
	{[]string{"golang.org/x/mod/sumdb"}, []string{"hub/archive"}, "the log's tree and its notes end where a case is sealed and verified"},
	{[]string{"golang.org/x/net"}, []string{"streams/sfu", "streams/relay"}, noLeak},
	{[]string{"golang.org/x/text"}, []string{"devices/codec/jt808", "hub/sheets"}, "terminals read GBK and hotline files come in it; nothing else needs to know"},
	{[]string{"golang.org/x/sys"}, []string{"edge/driver", "edge/uplink"}, "what only one operating system knows stays in a driver; the uplink reads the clock that nobody can set"},
}

// largeFiles may exceed maxFile, each with the reason.
var largeFiles = map[string]string{}
