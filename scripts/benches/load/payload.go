package main

import (
	"strconv"
	"strings"
)

// A piece of a payload is a text and the placeholder behind it.
type piece struct {
	text string
	fill byte // n, a (for at), x, y; 0 at the end
}

// pieces cuts a payload at its placeholders.
func pieces(payload string) []piece {
	var out []piece
	for {
		at, fill, size := len(payload), byte(0), 0
		for _, name := range []string{"{n}", "{at}", "{x}", "{y}"} {
			if i := strings.Index(payload, name); i >= 0 && i < at {
				at, fill, size = i, name[1], len(name)
			}
		}
		out = append(out, piece{payload[:at], fill})
		if fill == 0 {
			return out
		}
		payload = payload[at+size:]
	}
}

func appendPayload(b []byte, all []piece, seq int, from int64) []byte {
	for _, p := range all {
		b = append(b, p.text...)
		switch p.fill {
		case 'n':
			b = strconv.AppendInt(b, int64(seq), 10)
		case 'a':
			b = strconv.AppendInt(b, from+int64(seq), 10)
		case 'x':
			b = appendTenths(b, seq*37%1000)
		case 'y':
			b = appendTenths(b, seq*211%1000)
		}
	}
	return b
}

// appendTenths writes 123 as 12.3.
func appendTenths(b []byte, v int) []byte {
	return append(strconv.AppendInt(b, int64(v/10), 10), '.', byte('0'+v%10))
}
