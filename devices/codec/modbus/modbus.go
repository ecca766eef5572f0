// Package modbus turns the registers of a Modbus device into numbers, as a
// Layout says, and knows the frames that carry them.
//
// It is pure: bytes in, values out, no bus, no clock. It promises never to
// panic on foreign bytes and never to return a value from a frame that is
// damaged, short or somebody else's. Which registers a model of device has is
// profile's to say; asking the device is the driver's.
package modbus

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Table is one of the four address spaces of a Modbus device.
type Table uint8

// The tables, in the order of their reading function codes 3, 4, 1 and 2.
const (
	Holding Table = iota
	Input
	Coil
	Discrete
)

var tableNames = []string{"holding", "input", "coil", "discrete"}

func (t Table) String() string { return tableNames[t&3] }

// ParseTable reads a table's name.
func ParseTable(s string) (Table, error) {
	i := slices.Index(tableNames, s)
	if i < 0 {
		return 0, fmt.Errorf("want one of %s", strings.Join(tableNames, ", "))
	}
	return Table(i), nil
}

// Bits reports whether the table holds single bits instead of registers.
func (t Table) Bits() bool { return t == Coil || t == Discrete }

// function is the code that reads the table (Application Protocol V1.1b3, 6).
func (t Table) function() byte { return [...]byte{3, 4, 1, 2}[t&3] }

// Reference takes a manual's one-based reference apart: 40004 or 400004 is
// holding 3, 30001 input 0, 10001 discrete 0, 00001 coil 0.
func Reference(s string) (Table, uint16, error) {
	table, known := map[byte]Table{'4': Holding, '3': Input, '1': Discrete, '0': Coil}[firstByte(s)]
	if !known || len(s) < 5 || len(s) > 6 {
		return 0, 0, fmt.Errorf("want a reference of five or six digits: 4x holding, 3x input, 1x discrete, 0x coil")
	}
	n, err := strconv.Atoi(s[1:])
	if err != nil || n < 1 || n > 65536 {
		return 0, 0, fmt.Errorf("want a reference that counts from %c0001 to %c65536", s[0], s[0])
	}
	return table, uint16(n - 1), nil
}

func firstByte(s string) byte {
	if s == "" {
		return 0
	}
	return s[0]
}

// Type is how the bits of one or more registers make a number.
type Type uint8

// The types a register map may name.
const (
	U16 Type = iota
	S16
	U32
	S32
	U64
	S64
	F32
	F64
	Bool // a coil, a discrete input, or one bit of a register
)

var typeNames = []string{"u16", "s16", "u32", "s32", "u64", "s64", "f32", "f64", "bool"}

func (t Type) String() string { return typeNames[min(int(t), len(typeNames)-1)] }

// UnmarshalText reads a type's name; int16, uint32, float and so on, as other
// manuals write them, are understood too.
func (t *Type) UnmarshalText(text []byte) error {
	name := strings.NewReplacer("uint", "u", "int", "s", "float", "f", "bit", "bool").Replace(strings.ToLower(string(text)))
	i := slices.Index(typeNames, name)
	if i < 0 {
		return fmt.Errorf("want one of %s", strings.Join(typeNames, ", "))
	}
	*t = Type(i)
	return nil
}

// Registers is how many 16-bit registers the type fills.
func (t Type) Registers() uint16 {
	switch t {
	case U32, S32, F32:
		return 2
	case U64, S64, F64:
		return 4
	}
	return 1
}

// Order is the order of the bytes of a 32-bit number on the line: ABCD is big
// endian, CDAB has the low word first, BADC swaps inside words, DCBA is little
// endian. It extends to one and four registers in the same sense.
type Order uint8

// The four orders in use.
const (
	ABCD Order = iota
	CDAB
	BADC
	DCBA
)

var orderNames = []string{"ABCD", "CDAB", "BADC", "DCBA"}

func (o Order) String() string { return orderNames[o&3] }

// UnmarshalText reads the letters of an order.
func (o *Order) UnmarshalText(text []byte) error {
	i := slices.Index(orderNames, strings.ToUpper(string(text)))
	if i < 0 {
		return fmt.Errorf("want one of %s", strings.Join(orderNames, ", "))
	}
	*o = Order(i)
	return nil
}

// swapsWords and swapsBytes say what must be undone to reach ABCD.
func (o Order) swapsWords() bool { return o == CDAB || o == DCBA }
func (o Order) swapsBytes() bool { return o == BADC || o == DCBA }
