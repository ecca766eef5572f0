# shellcheck shell=bash
# Processes that a command started: each has a file with its number and the
# time at which it started, so that a number used again is not mistaken for it.
# They run in sessions of their own; Ctrl-C reaches the script, and the script
# ends them in order. Needs RUN, the folder of these files and of the logs.

# started_at PID prints when a process started, in clock ticks since boot.
started_at() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d ' ' -f 20; }

# start_process NAME COMMAND... runs it in the background, output to NAME.log.
start_process() {
	local name=$1
	shift
	setsid "$@" </dev/null >>"$RUN/$name.log" 2>&1 &
	echo "$! $(started_at $!)" >"$RUN/$name.pid"
}

# process_of NAME prints the number of a process that runs.
process_of() {
	local pid since
	[ -f "$RUN/$1.pid" ] || return 1
	read -r pid since <"$RUN/$1.pid" || return 1
	[ -n "$since" ] && [ "$(started_at "$pid")" = "$since" ] && ! zombie "$pid" && echo "$pid"
}

zombie() { [ "$(sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d ' ' -f 1)" = Z ]; }

alive_process() { process_of "$1" >/dev/null; }

# stop_process NAME asks it to end, and after 20 s makes it. When it returns the
# process is gone.
stop_process() {
	local pid
	if pid=$(process_of "$1"); then
		say "stopping $1"
		kill -TERM "$pid" 2>/dev/null || true
		if ! ends_within 20 "$1"; then
			say "$1 did not end by itself"
			kill -KILL "$pid" 2>/dev/null || true
			ends_within 5 "$1" || die "$1, process $pid, cannot be ended"
		fi
	fi
	rm -f "$RUN/$1.pid"
}

# ends_within SECONDS NAME waits for the end of a process; false: it lives.
ends_within() {
	local deadline=$((SECONDS + $1))
	while alive_process "$2"; do
		[ $SECONDS -lt $deadline ] || return 1
		sleep 0.1
	done
}

# watching NAME COMMAND... runs a command, and gives up early, with the end of
# the log, when the process NAME ends meanwhile or the command fails.
watching() {
	local name=$1 pid
	shift
	"$@" &
	pid=$!
	while kill -0 "$pid" 2>/dev/null; do
		if ! alive_process "$name"; then
			kill "$pid" 2>/dev/null || true
			break
		fi
		sleep 0.2
	done
	if ! wait "$pid"; then
		tail -n 20 "$RUN/$name.log" >&2
		die "$name: see run/$name.log"
	fi
}

# wait_processes NAME... returns when the script is interrupted, and ends it
# when one of them has ended by itself.
wait_processes() {
	local p interrupted=
	trap 'interrupted=1' INT TERM
	while [ -z "$interrupted" ]; do
		for p in "$@"; do
			alive_process "$p" || [ -n "$interrupted" ] || die "$p has ended; see run/$p.log"
		done
		sleep 1 || true # Ctrl-C ends it too
	done
}
