package dlt645

import "encoding/binary"

// Serve is the meter's side: the answer of the meter own to ask. data gives the
// bytes behind an identifier, nil where the meter has none. An answer longer
// than chunk bytes (0 = MaxData less the identifier) is continued. ok is false
// for requests that this edition does not know: a meter is silent then.
func (e Edition) Serve(own Address, ask Frame, chunk int, data func(DI) []byte) (answer Frame, ok bool) {
	answer = Frame{Address: own, Control: ask.Control | FromMeter}
	read, more := byte(read2007), byte(more2007)
	if e == E1997 {
		read, more = read1997, more1997
	}
	if e == E2007 && ask.Control == readAddress {
		answer.Data = append([]byte(nil), own[:]...)
		return answer, true
	}
	if ask.Control != read && ask.Control != more || len(ask.Data) < e.width() {
		return answer, false
	}
	if chunk <= 0 {
		chunk = MaxData - e.width()
	}
	head := ask.Data[:e.width()]
	all := data(DI(binary.LittleEndian.Uint32(append(append([]byte(nil), head...), 0, 0)[:4])))
	skip := 0
	if ask.Control == more && e == E2007 {
		if len(ask.Data) != e.width()+1 {
			return answer, false
		}
		skip = chunk * int(ask.Data[e.width()])
	} else if ask.Control == more {
		skip = chunk // a meter of 1997 keeps its place; two frames are enough here
	}
	if skip >= len(all) {
		answer.Control |= Refused
		answer.Data = []byte{2} // no such data
		return answer, true
	}
	part := all[skip:min(len(all), skip+chunk)]
	if skip+len(part) < len(all) {
		answer.Control |= More
	}
	answer.Data = append(append([]byte(nil), head...), part...)
	if ask.Control == more && e == E2007 {
		answer.Data = append(answer.Data, ask.Data[e.width()])
	}
	return answer, true
}
