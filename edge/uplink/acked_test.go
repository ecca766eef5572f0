package uplink

import (
	"math/rand/v2"
	"reflect"
	"testing"
)

// TestAckedAgainstSet compares with the plainest thing that could be right.
func TestAckedAgainstSet(t *testing.T) {
	for seed := range uint64(200) {
		chance := rand.New(rand.NewPCG(seed, 7))
		var a acked
		plain := map[uint64]bool{}
		for range 60 {
			first := chance.Uint64N(120) + 1
			last := first + chance.Uint64N(15)
			a.add(first, last)
			for n := first; n <= last; n++ {
				plain[n] = true
			}
			compare(t, seed, a, plain)
			back := restore(a.upto, a.state())
			if back.upto != a.upto || len(back.islands)+len(a.islands) > 0 && !reflect.DeepEqual(back.islands, a.islands) {
				t.Fatalf("seed %d: %+v came back as %+v", seed, a, back)
			}
		}
	}
}

func compare(t *testing.T, seed uint64, a acked, plain map[uint64]bool) {
	t.Helper()
	if plain[a.upto+1] || a.upto > 0 && !plain[a.upto] {
		t.Fatalf("seed %d: upto %d of %v", seed, a.upto, plain)
	}
	at := uint64(1)
	for n := uint64(1); n <= 140; n++ {
		from, to, ok := a.open(n, 140)
		if plain[n] == (ok && from == n) {
			t.Fatalf("seed %d: number %d acknowledged %v, open says %d-%d %v", seed, n, plain[n], from, to, ok)
		}
		if ok && from == n && n >= at {
			for at = from; at <= to; at++ {
				if plain[at] {
					t.Fatalf("seed %d: %d is acknowledged but in the open run %d-%d", seed, at, from, to)
				}
			}
			if to < 140 && !plain[to+1] {
				t.Fatalf("seed %d: open run %d-%d ends before it must", seed, from, to)
			}
		}
	}
}

func TestAckedForgetsTheHighest(t *testing.T) {
	var a acked
	for n := uint64(0); n < maxKept+100; n++ {
		a.add(10+2*n, 10+2*n)
	}
	if len(a.islands) != maxKept || a.islands[0][0] != 10 {
		t.Errorf("%d islands from %v", len(a.islands), a.islands[0])
	}
}

// FuzzRestore holds that a damaged cursor makes at worst a smaller set.
func FuzzRestore(f *testing.F) {
	f.Add(uint64(5), (&acked{upto: 5, islands: [][2]uint64{{8, 9}, {20, 30}}}).state())
	f.Fuzz(func(t *testing.T, upto uint64, state []byte) {
		a := restore(upto, state)
		if a.upto < upto {
			t.Fatalf("upto went back from %d to %d", upto, a.upto)
		}
		for i, r := range a.islands {
			if r[1] < r[0] || r[0] <= a.upto+1 || i > 0 && r[0] <= a.islands[i-1][1]+1 {
				t.Fatalf("islands %v above %d", a.islands, a.upto)
			}
		}
	})
}
