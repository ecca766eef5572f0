package journal_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"gridhub/streams/journal"
)

// A spool: a producer appends, a consumer reads behind it and remembers its
// place. After a crash the consumer begins where it last committed.
func Example() {
	dir, err := os.MkdirTemp("", "spool-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	j, err := journal.Open(dir, journal.Options{
		MaxBytes: 256 << 20,
		Reserve:  16 << 20,
		Overrun:  journal.DropOldest, // or Refuse, where nothing may be lost
	})
	if err != nil {
		log.Fatal(err)
	}
	defer j.Close()

	ctx := context.Background()
	uplink, err := j.Cursor("uplink") // before the first append: from now on nothing is removed unread
	if err != nil {
		log.Fatal(err)
	}
	first, err := j.Append(ctx, []byte("21.5 °C"), []byte("21.6 °C"))
	if err != nil {
		log.Fatal(err) // not durable: do not acknowledge
	}
	fmt.Println("durable from number", first)

	r := j.Reader(uplink.Position())
	defer r.Close()
	recs, err := r.Next(ctx, 100, 64<<10)
	if err != nil {
		log.Fatal(err)
	}
	next := uplink.Position()
	for _, rec := range recs {
		switch rec.Kind {
		case journal.Data:
			fmt.Printf("%d: %s\n", rec.Number, rec.Data)
			next = rec.Number + 1
		case journal.Gap:
			fmt.Printf("%d to %d are gone: %s\n", rec.Number, rec.Number+rec.Lost-1, rec.Cause)
			next = rec.Number + rec.Lost
		}
	}
	if err := uplink.Commit(next, []byte("session 7")); err != nil {
		log.Fatal(err)
	}
	fmt.Println("next wanted:", uplink.Position())
	// Output:
	// durable from number 1
	// 1: 21.5 °C
	// 2: 21.6 °C
	// next wanted: 3
}
