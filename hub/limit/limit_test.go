package limit

import (
	"net/netip"
	"testing"
	"time"
)

func TestPeersAreBounded(t *testing.T) {
	now := time.Unix(0, 0)
	l := New(2, time.Second, func() time.Time { return now })
	for n := range maxPeers {
		if _, ok := l.Take(netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)}), 32)); !ok {
			t.Fatal("refused too early")
		}
	}
	late := netip.MustParsePrefix("192.0.2.1/32")
	if _, ok := l.Take(late); ok || len(l.peers) != maxPeers {
		t.Errorf("%d peers are remembered", len(l.peers))
	}
	now = now.Add(time.Second)
	if _, ok := l.Take(late); !ok || len(l.peers) != 1 {
		t.Errorf("after a second %d peers are remembered", len(l.peers))
	}
	for addr, want := range map[string]string{"198.51.100.7:1": "198.51.100.7/32", "[2001:db8::1]:1": "2001:db8::/64", "127.0.0.1:1": "203.0.113.9/32", "broken": "invalid Prefix"} {
		if got := Peer(addr, "1.1.1.1, 203.0.113.9").String(); got != want {
			t.Errorf("%s: %s, want %s", addr, got, want)
		}
	}
}

func TestAGoodTryIsGivenBack(t *testing.T) {
	now := time.Unix(0, 0)
	l := New(1, time.Second, func() time.Time { return now })
	from := netip.MustParsePrefix("192.0.2.1/32")
	for range 3 {
		if _, ok := l.Take(from); !ok {
			t.Fatal("refused after good tries only")
		}
		l.Give(from)
	}
	l.Give(from) // never more than the burst
	l.Take(from)
	if wait, ok := l.Take(from); ok || wait != time.Second {
		t.Errorf("the second bad try: %v, %v", wait, ok)
	}
}
