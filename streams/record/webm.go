package record

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"time"

	"github.com/at-wat/ebml-go"
	"github.com/at-wat/ebml-go/webm"
)

// segmentID opens the element that holds everything of a file (RFC 9559, 5.1).
var segmentID = []byte{0x18, 0x53, 0x80, 0x67}

const (
	unknownSize = 0x01ffffffffffffff // of an element that grows
	seekPreRoll = 80 * time.Millisecond
)

// top is the EBML header, before the segment.
type top struct {
	Header webm.EBMLHeader `ebml:"EBML"`
}

// opening is what a segment begins with.
type opening struct {
	Info   webm.Info   `ebml:"Info"`
	Tracks webm.Tracks `ebml:"Tracks"`
}

type index struct {
	Cues webm.Cues `ebml:"Cues"`
}

// head writes what stands before the first cluster. size is the segment's, or
// unknownSize; a length of zero is left out.
func head(media []Media, size uint64, length time.Duration, cues []webm.CuePoint) ([]byte, error) {
	t := top{webm.EBMLHeader{EBMLVersion: 1, EBMLReadVersion: 1, EBMLMaxIDLength: 4, EBMLMaxSizeLength: 8,
		DocType: docType(media), DocTypeVersion: 4, DocTypeReadVersion: 2}}
	o := opening{Info: webm.Info{TimecodeScale: uint64(time.Millisecond), MuxingApp: "gridhub", WritingApp: "gridhub",
		Duration: float64(length.Milliseconds())}}
	for i, m := range media {
		o.Tracks.TrackEntry = append(o.Tracks.TrackEntry, trackEntry(i, m))
	}
	var b, inside bytes.Buffer
	if err := ebml.Marshal(&t, &b); err != nil {
		return nil, err
	}
	if err := ebml.Marshal(&o, &inside); err != nil {
		return nil, err
	}
	if len(cues) > 0 {
		if err := ebml.Marshal(&index{webm.Cues{CuePoint: cues}}, &inside); err != nil {
			return nil, err
		}
	}
	if size != unknownSize {
		size = 1<<56 | (size + uint64(inside.Len()))
	}
	b.Write(segmentID)
	_ = binary.Write(&b, binary.BigEndian, size) // to memory
	b.Write(inside.Bytes())
	return b.Bytes(), nil
}

func docType(media []Media) string {
	for _, m := range media {
		if m.Codec == codecH264 {
			return "matroska"
		}
	}
	return "webm"
}

// The names of codecs in files.
const (
	codecOpus = "A_OPUS"
	codecVP8  = "V_VP8"
	codecH264 = "V_MPEG4/ISO/AVC"
)

func trackEntry(i int, m Media) webm.TrackEntry {
	t := webm.TrackEntry{TrackNumber: uint64(i) + 1, TrackUID: uint64(i) + 1, CodecID: m.Codec, CodecPrivate: m.Private}
	if m.Kind == "audio" {
		t.TrackType, t.SeekPreRoll = 2, uint64(seekPreRoll)
		t.Audio = &webm.Audio{SamplingFrequency: 48000, Channels: 2}
		return t
	}
	t.TrackType = 1
	t.Video = &webm.Video{PixelWidth: uint64(m.Width), PixelHeight: uint64(m.Height)}
	return t
}

// block is one frame in a cluster.
type block struct {
	track   int           // index in the part's media
	at      time.Duration // since the part's start
	data    []byte
	key     bool
	discard time.Duration // of its end, when it is played
}

// Clusters keep two kinds of blocks: those that are played whole, and those of
// which a decoder discards the end.
type cluster struct {
	Cluster clusterBody `ebml:"Cluster"`
}

type clusterBody struct {
	Timecode uint64       `ebml:"Timecode"`
	Blocks   []blockGroup `ebml:"BlockGroup"`
}

type blockGroup struct {
	Block          ebml.Block `ebml:"Block"`
	ReferenceBlock []int64    `ebml:"ReferenceBlock"`
	DiscardPadding []int64    `ebml:"DiscardPadding"`
}

// encode writes blocks, which are sorted, as one cluster.
func encode(blocks []block) ([]byte, error) {
	start := blocks[0].at.Round(time.Millisecond)
	c := cluster{clusterBody{Timecode: uint64(start / time.Millisecond)}}
	for _, b := range blocks {
		at := (b.at.Round(time.Millisecond) - start) / time.Millisecond
		if at > math.MaxInt16 {
			return nil, fmt.Errorf("a cluster spans %d ms", at)
		}
		g := blockGroup{Block: ebml.Block{TrackNumber: uint64(b.track) + 1, Timecode: int16(at), Data: [][]byte{b.data}}}
		if !b.key {
			g.ReferenceBlock = []int64{-1}
		}
		if b.discard > 0 {
			g.DiscardPadding = []int64{int64(b.discard)}
		}
		c.Cluster.Blocks = append(c.Cluster.Blocks, g)
	}
	var out bytes.Buffer
	err := ebml.Marshal(&c, &out)
	return out.Bytes(), err
}
