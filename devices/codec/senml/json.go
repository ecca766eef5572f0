package senml

import (
	"strings"

	"gridhub/devices/codec"
	"gridhub/devices/codec/jsonread"
)

// readJSON reads the representation of RFC 8428, 5.
func readJSON(p []byte) (all []fields, err error) {
	var r jsonread.Reader
	r.Reset(p)
	for r.Begin('['); r.More(']'); {
		if len(all) == MaxRecords {
			r.Fail(codec.TooLarge, "too many records")
			break
		}
		all = append(all, member(&r))
	}
	return all, r.End()
}

func member(r *jsonread.Reader) (f fields) {
	var seen [labelVD - labelBS + 1]bool
	for r.Begin('{'); r.More('}'); {
		key := string(r.Key())
		k, known := labels[key]
		if !known {
			f.others++
			if strings.HasSuffix(key, "_") {
				f.unhandled++
			}
			r.Skip()
			continue
		}
		if i := k - labelBS; seen[i] {
			r.Fail(codec.Duplicate, "label "+key+" twice")
		} else {
			seen[i] = true
		}
		value(r, &f, k)
	}
	return f
}

func value(r *jsonread.Reader, f *fields, k int) {
	switch k {
	case labelVB:
		v := r.Bool()
		f.vb = &v
	case labelVS, labelVD:
		r.Bytes()
		f.vs, f.vd = f.vs || k == labelVS, f.vd || k == labelVD
	case labelBN, labelBU, labelN, labelU:
		f.setText(k, string(r.Bytes()))
	default:
		f.setNumber(k, r.Float())
	}
}

// The labels, with the numbers that CBOR gives them (RFC 8428, 6, table 4).
const (
	labelBS = iota - 6
	labelBV
	labelBU
	labelBT
	labelBN
	labelBVer
	labelN
	labelU
	labelV
	labelVS
	labelVB
	labelS
	labelT
	labelUT
	labelVD
)

var labels = map[string]int{"bs": labelBS, "bv": labelBV, "bu": labelBU, "bt": labelBT, "bn": labelBN, "bver": labelBVer,
	"n": labelN, "u": labelU, "v": labelV, "vs": labelVS, "vb": labelVB, "s": labelS, "t": labelT, "ut": labelUT, "vd": labelVD}

func (f *fields) setText(k int, v string) {
	switch k {
	case labelBN:
		f.bn = &v
	case labelBU:
		f.bu = &v
	case labelN:
		f.n = &v
	case labelU:
		f.u = &v
	}
}

func (f *fields) setNumber(k int, v float64) {
	switch k {
	case labelBS:
		f.bs = &v
	case labelBV:
		f.bv = &v
	case labelBT:
		f.bt = &v
	case labelBVer:
		f.bver = &v
	case labelV:
		f.v = &v
	case labelS:
		f.s = &v
	case labelT:
		f.t = &v
	case labelUT:
		f.ut = &v
	}
}
