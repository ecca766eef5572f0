package server

import (
	"net/netip"
	"slices"
	"testing"
)

func TestRelayURLs(t *testing.T) {
	at := map[string]netip.AddrPort{"tls": netip.MustParseAddrPort("0.0.0.0:5349"), "udp": netip.MustParseAddrPort("0.0.0.0:3478")}
	for host, want := range map[string][]string{
		"hub.street":  {"turn:hub.street:3478?transport=udp", "turns:hub.street:5349?transport=tcp"},
		"2001:db8::1": {"turn:[2001:db8::1]:3478?transport=udp", "turns:[2001:db8::1]:5349?transport=tcp"},
	} {
		if got := relayURLs(at, host); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", host, got, want)
		}
	}
}
