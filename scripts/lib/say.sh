# shellcheck shell=bash
# Progress: one line per step, with the seconds since the start.

# say prints a line of progress.
say() { printf '[%4ds] %s\n' "$SECONDS" "$*"; }

# die prints what is wrong and ends with 1.
die() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

# quietly runs a command and shows its output only if it fails.
quietly() {
	local log
	log=$(mktemp)
	if "$@" >"$log" 2>&1; then
		rm -f "$log"
		return 0
	fi
	tail -n 60 "$log" >&2
	rm -f "$log"
	return 1
}
