package configs

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Size is a number of bytes, written as 512KiB, 64MiB, 2GiB or a bare number.
type Size int64

var units = []struct {
	name  string
	bytes Size
}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}, {"", 1}}

// UnmarshalText parses the written form; its error says what was wanted.
func (s *Size) UnmarshalText(text []byte) error {
	str := string(text)
	for _, u := range units {
		number, ok := strings.CutSuffix(str, u.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(number), 10, 64)
		if err != nil || n < 0 || n > int64(1<<62/u.bytes) {
			break
		}
		*s = Size(n) * u.bytes
		return nil
	}
	return errors.New("want a size such as 512KiB, 64MiB or 2GiB")
}

func (s Size) String() string {
	for _, u := range units[:3] {
		if s >= u.bytes && s%u.bytes == 0 {
			return fmt.Sprintf("%d%s", s/u.bytes, u.name)
		}
	}
	return fmt.Sprintf("%dB", int64(s))
}
