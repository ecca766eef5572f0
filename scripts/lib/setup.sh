# shellcheck shell=bash
# What the commands need on a machine: need_* finds a thing and puts it on the
# PATH, or remembers what is missing; install_missing then installs it all at
# once. Nothing is asked of the network when nothing is missing. Debian and
# Ubuntu are known; elsewhere the list of what is missing is printed.

ROOT=$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd)
CACHE=$ROOT/.cache
INFLUXD_VERSION=v1.8.10
TELEGRAF_VERSION=v1.37.2
TELEGRAF_TAGS="custom,inputs.mqtt_consumer,inputs.file,inputs.mem,inputs.modbus,outputs.file,outputs.influxdb,outputs.influxdb_v2,outputs.mqtt,parsers.influx,parsers.json_v2,serializers.influx"
LIVEKIT_VERSION=v1.8.0
NODE_WANTED=20.19.0
MISSING=()

export PATH="$CACHE/bin:$CACHE/node/node_modules/.bin:$PATH"
export DEBIAN_FRONTEND=noninteractive

# at_least A B: version A is B or newer.
at_least() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]; }

# need_packages PACKAGE...: distribution packages.
need_packages() {
	local p
	for p in "$@"; do
		if ! dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null | grep -qx installed; then
			MISSING+=("$p")
		fi
	done
}

# need_command COMMAND PACKAGE: a package, unless the command is there anyhow.
need_command() { command -v "$1" >/dev/null || need_packages "$2"; }

# go_wanted is the Go version that go.mod asks for.
go_wanted() { sed -n 's/^go //p' "$ROOT/go.mod"; }

# adopt_go puts the newest Go of the distribution on the PATH and lets an older
# one fetch the version that go.mod asks for. False: there is none at all.
adopt_go() {
	local dir have
	if ! command -v go >/dev/null; then
		dir=$(find /usr/lib /usr/local -maxdepth 2 -path '*/go*/bin' -type d 2>/dev/null | sort -V | tail -n 1)
		[ -n "$dir" ] && [ -x "$dir/go" ] || return 1
		export PATH="$dir:$PATH"
	fi
	have=$(GOTOOLCHAIN=local go env GOVERSION)
	have=${have#go}
	at_least "$have" 1.21 || return 1
	at_least "$have" "$(go_wanted)" || export GOTOOLCHAIN=auto
}

# adopt_node is true if a Node that is new enough is on the PATH.
adopt_node() {
	command -v node >/dev/null && command -v npm >/dev/null && at_least "$(node --version | tr -d v)" "$NODE_WANTED"
}

# as_root says whether packages can be installed, and if not, with what.
as_root() { [ "$(id -u)" -eq 0 ]; }

# install_missing installs the packages that need_* found missing. Who may not
# is told what to run; that ends with 2.
install_missing() {
	[ ${#MISSING[@]} -gt 0 ] || return 0
	if ! command -v apt-get >/dev/null; then
		printf 'Please install what these Debian packages hold, then run this again:\n  %s\n' "${MISSING[*]}" >&2
		exit 2
	elif ! as_root; then
		printf 'Please run this as root, then this script again:\n  apt-get update && apt-get install -y --no-install-recommends %s\n' "${MISSING[*]}" >&2
		exit 2
	fi
	refresh
	say "installing ${MISSING[*]}"
	quietly apt-get install -y --no-install-recommends "${MISSING[@]}" || die "apt-get could not install ${MISSING[*]}"
	MISSING=()
}

# refresh asks for the newest lists of packages, once.
refresh() {
	[ -z "${REFRESHED:-}" ] || return 0
	say "fetching the lists of packages"
	quietly apt-get update || die "apt-get update failed"
	REFRESHED=1
}

# newest_go prints the newest versioned Go package that apt knows.
newest_go() {
	apt-cache search --names-only '^golang-1\.[0-9]+-go$' | cut -d ' ' -f 1 | sort -V | tail -n 1
}

# enable_backports adds the backports of a Debian release from the mirror that
# the machine already uses.
enable_backports() {
	local codename mirror
	# shellcheck source=/dev/null
	codename=$(. /etc/os-release && [ "$ID" = debian ] && echo "$VERSION_CODENAME") || return 0
	# shellcheck disable=SC2016 # apt fills these in
	mirror=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(ORIGIN)' | awk -v c="$codename" '$2 == c && $3 == "Debian" {print $1; exit}')
	[ -n "$mirror" ] || return 0
	echo "deb $mirror $codename-backports main" >"/etc/apt/sources.list.d/$codename-backports.list"
	REFRESHED=
	refresh
}

# need_go makes sure that go runs and is, or fetches, the version of go.mod.
need_go() {
	local package minor
	adopt_go && return 0
	if ! command -v apt-get >/dev/null || ! as_root; then
		printf 'Please install Go %s or newer (any from 1.21 can fetch it), then run this again.\n' "$(go_wanted)" >&2
		exit 2
	fi
	refresh
	package=$(newest_go)
	minor=${package#golang-1.}
	if [ -z "$package" ] || [ "${minor%-go}" -lt 21 ]; then
		enable_backports
		package=$(newest_go)
	fi
	[ -n "$package" ] || die "apt knows no Go; install Go $(go_wanted) by hand"
	MISSING+=("$package" ca-certificates)
	install_missing
	adopt_go || die "$package brought no Go that runs"
	say "Go is $(go version | cut -d ' ' -f 3), go.mod asks for $(go_wanted)"
}

# need_node makes sure that node and npm run. Where the distribution's are too
# old, they fetch newer ones into .cache.
need_node() {
	adopt_node && return 0
	need_command node nodejs
	need_command npm npm
	install_missing
	adopt_node && return 0
	say "fetching a Node that is at least $NODE_WANTED"
	quietly npm install --no-audit --no-fund --prefix "$CACHE/node" node@22 npm@10 || die "npm could not fetch a newer node"
	hash -r
	adopt_node || die "node $(node --version) is older than $NODE_WANTED"
}

# need_peers makes sure of the real peers that the tests talk to.
need_peers() {
	need_packages ca-certificates fonts-noto-cjk gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-ugly python3-gi python3-paho-mqtt python3-pymodbus python3-serial
	need_command make make
	need_command curl curl
	need_command jq jq
	need_command ip iproute2
	need_command certutil libnss3-tools
	need_command strace strace
	need_command gpsd gpsd
	need_command gpsfake gpsd-clients
	need_command socat socat
	need_command mbpoll mbpoll
	need_command mosquitto mosquitto
	need_command mosquitto_pub mosquitto-clients
	need_command chromium chromium
	need_command ffmpeg ffmpeg # a foreign player of recordings
	need_command shellcheck shellcheck
	need_command qemu-aarch64-static qemu-user-static
	need_command systemd-analyze systemd
	find_postgres || need_packages postgresql
	install_missing
	find_postgres || die "PostgreSQL is installed but its server program was not found"
	need_influxd
	need_telegraf
	need_command_now chromium
}

# need_command_now ends if a package brought no command (Ubuntu's chromium is
# a door to snap, which containers lack).
need_command_now() {
	command -v "$1" >/dev/null || die "no command $1 although its package is installed; please install it by hand"
}

# find_postgres puts PostgreSQL's server programs on the PATH: distributions
# keep them out of it.
find_postgres() {
	local dir
	command -v initdb >/dev/null && command -v postgres >/dev/null && return 0
	dir=$(find /usr/lib/postgresql -maxdepth 2 -name bin -type d 2>/dev/null | sort -V | tail -n 1)
	[ -n "$dir" ] && [ -x "$dir/initdb" ] || return 1
	export PATH="$PATH:$dir"
}

# need_influxd builds InfluxDB's server, which no distribution has in a usable
# version.
need_influxd() {
	GRIDHUB_INFLUXD=$(command -v influxd || true)
	if [ -z "$GRIDHUB_INFLUXD" ]; then
		say "building influxd $INFLUXD_VERSION, a few minutes, once"
		quietly env GOBIN="$CACHE/bin" go install "github.com/influxdata/influxdb/cmd/influxd@$INFLUXD_VERSION" || die "influxd did not build"
		GRIDHUB_INFLUXD=$CACHE/bin/influxd
	fi
	export GRIDHUB_INFLUXD
}

# need_telegraf builds Telegraf with no more than what stands between MQTT and
# InfluxDB and what the tests let it say. One in .cache that was built with less
# is built anew.
need_telegraf() {
	local have
	have=$(command -v telegraf || true)
	[ -z "$have" ] || [ "$have" != "$CACHE/bin/telegraf" ] || [ "$(cat "$have.tags" 2>/dev/null)" = "$TELEGRAF_TAGS" ] || have=
	[ -z "$have" ] || return 0
	say "building telegraf $TELEGRAF_VERSION, a few minutes, once"
	quietly env GOBIN="$CACHE/bin" go install -tags "$TELEGRAF_TAGS" \
		"github.com/influxdata/telegraf/cmd/telegraf@$TELEGRAF_VERSION" || die "telegraf did not build"
	echo "$TELEGRAF_TAGS" >"$CACHE/bin/telegraf.tags"
}

# need_livekit builds LiveKit's server: newer versions cannot be installed by
# version.
need_livekit() {
	GRIDHUB_LIVEKIT=$CACHE/bin/livekit-server
	export GRIDHUB_LIVEKIT
	[ ! -x "$GRIDHUB_LIVEKIT" ] || return 0
	say "building livekit-server $LIVEKIT_VERSION, a few minutes, once"
	quietly env GOBIN="$CACHE/bin" go install "github.com/livekit/livekit-server/cmd/server@$LIVEKIT_VERSION" || die "livekit-server did not build"
	mv "$CACHE/bin/server" "$GRIDHUB_LIVEKIT"
}
