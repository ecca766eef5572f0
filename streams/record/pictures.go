package record

import (
	"gridhub/streams/sfu"
)

// maxPicture bounds one picture; a longer one is dropped like a lost one.
const maxPicture = 4 << 20

// codec reads one video format's packets and pictures.
type codec interface {
	// add appends what an RTP payload holds to a picture. starts says that the
	// payload is the picture's first; ok is false for what makes no sense.
	add(picture, payload []byte) (out []byte, starts, ok bool)
	// reset is called after each picture; torn says that what came before the
	// next payload is missing.
	reset(torn bool)
	// look says whether a whole picture is a key frame, and its format then.
	look(picture []byte) (f format, key, ok bool)
}

// pictures puts the packets of a video track together. It lets nothing pass
// that depends on what is missing: after a loss it waits for a key frame.
type pictures struct {
	codec  codec
	broken bool // waits for a key frame
	lost   bool // something was left out since the last frame

	open   bool // a picture is being put together
	whole  bool // and nothing of it is missing
	ts     uint32
	begins bool
	data   []byte
}

func newPictures(c codec) *pictures { return &pictures{codec: c, broken: true} }

func (v *pictures) push(p sfu.Packet, lost bool) (out []unit) {
	if lost || p.Begins {
		v.fail(lost)
	}
	if len(p.Payload) == 0 { // padding, with which a sender tries out the line
		return nil
	}
	if v.open && p.TS != v.ts { // the marker was missing, not a packet
		out = v.end(out)
	}
	data, starts, ok := v.codec.add(v.data, p.Payload)
	if !v.open {
		v.open, v.whole, v.ts = true, starts, p.TS
	}
	v.begins = v.begins || p.Begins
	if v.data = data; !ok || len(v.data) > maxPicture {
		v.whole, v.data = false, v.data[:0]
	}
	if p.Marker {
		out = v.end(out)
	}
	return out
}

// fail gives up the picture under way and all that depend on it.
func (v *pictures) fail(lost bool) {
	v.codec.reset(true)
	v.open, v.whole, v.data = false, false, nil
	v.broken, v.lost = true, v.lost || lost
}

// end lets a whole picture pass, if it can be decoded.
func (v *pictures) end(out []unit) []unit {
	data, whole := v.data, v.whole
	v.open, v.data = false, nil
	v.codec.reset(false)
	if !whole || len(data) == 0 {
		v.fail(true)
		return out
	}
	f, key, ok := v.codec.look(data)
	if !ok {
		v.fail(true)
		return out
	}
	if v.broken && !key {
		v.lost = true
		return out
	}
	u := unit{frame{data: data, key: key, format: f, begins: v.begins, lost: v.lost}, v.ts}
	v.broken, v.lost, v.begins = false, false, false
	return append(out, u)
}
