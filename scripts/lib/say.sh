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
	head -n 20 "$log" >&2
	if [ "$(wc -l <"$log")" -gt 20 ]; then tail -n +21 "$log" | tail -n 60 >&2; fi
	rm -f "$log"
	return 1
}
