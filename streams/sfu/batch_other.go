//go:build !linux

package sfu

import "net"

// Elsewhere packets leave one by one, within one call where the system has it.
func canSegment(*net.UDPConn) bool { return false }

func segmentSize(b []byte, _ int) []byte { return b }
