# shellcheck shell=bash
# Ports that must be free before something is started. The kernel's own tables
# are read: no tool is needed, and nothing is connected to.

# ports_free PORT... ends if one is taken, after naming all that are, each with
# the process that has it. A PORT is proto:address:port:what for, the address
# 127.0.0.1 or 0.0.0.0: tcp:127.0.0.1:8080:HTTP.
ports_free() {
	local entry proto address port what holder taken=0
	[ -r /proc/net/tcp ] || return 0 # no Linux: the program itself will say
	for entry in "$@"; do
		IFS=: read -r proto address port what <<<"$entry"
		holder=$(port_holder "$proto" "$address" "$port") || continue
		printf '%s: %s port %s, wanted for %s, is in use by %s\n' "${0##*/}" "${proto^^}" "$port" "$what" "$holder" >&2
		taken=1
	done
	[ "$taken" = 0 ] || die "end what uses these ports, then try again"
}

# port_holder PROTO ADDRESS PORT prints who listens there; false: nobody.
port_holder() {
	local inode
	inode=$(port_sockets "$@" | head -n 1)
	[ -n "$inode" ] || return 1
	socket_owner "$inode"
}

# port_sockets PROTO ADDRESS PORT prints the inodes of sockets that stand in the
# way: on the same address, or where one of the two means every address.
port_sockets() {
	local state=0A every=00000000 wanted=0100007F # TCP LISTEN; 127.0.0.1 as the kernel writes it
	[ "$1" = tcp ] || state=07
	[ "$2" = 127.0.0.1 ] || wanted=$every
	cat "/proc/net/$1" "/proc/net/${1}6" 2>/dev/null |
		awk -v state="$state" -v port="$(printf '%04X' "$3")" -v wanted="$wanted" -v every="$every" '
			$4 == state { split($2, at, ":"); v6 = length(at[1]) > 8 }
			$4 == state && at[2] == port && (at[1] ~ /^0+$/ || !v6 && (wanted == every || at[1] == wanted)) { print $10 }'
}

# socket_owner INODE prints the process that holds a socket.
socket_owner() {
	local fd pid
	fd=$(find /proc/[0-9]*/fd -maxdepth 1 -lname "socket:\\[$1\\]" -print -quit 2>/dev/null || true)
	pid=${fd#/proc/}
	pid=${pid%%/*}
	if [ -n "$pid" ]; then
		printf '%s (process %s)\n' "$(cat "/proc/$pid/comm" 2>/dev/null)" "$pid"
	else
		echo "a process that this account may not look at"
	fi
}
