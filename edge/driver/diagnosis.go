package driver

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"gridhub/devices"
	"gridhub/devices/profile"
	"gridhub/devices/telemetry"
)

// Symptom is what one reading looked like on the line. It says more than a
// cause: silence and garbage are both no answer, but have other remedies.
type Symptom uint8

// The symptoms.
const (
	Sound       Symptom = iota
	Silence             // no byte came back
	Garbage             // bytes came back, but nothing like a frame
	Stranger            // a sound frame came, of another device or to another question
	Checksum            // the answer came, damaged
	Overlap             // more than one answer came
	Refused             // the device says that it will not answer
	Implausible         // values came that are out of their range
	Lost                // the line itself is not there
	symptoms            // how many there are
)

// NoAnswer is the error of a question that no sound frame answered.
type NoAnswer struct {
	Symptom Symptom // Silence, Garbage or Stranger
	Heard   []byte  // the first bytes that came instead
}

// sample is how many bytes of what came instead are kept.
const sample = 24

// Unanswered returns the error for a question after which heard came.
func Unanswered(s Symptom, heard []byte) *NoAnswer {
	if len(heard) == 0 {
		return &NoAnswer{Symptom: Silence}
	}
	return &NoAnswer{s, slices.Clone(heard[:min(len(heard), sample)])}
}

func (e *NoAnswer) Error() string {
	switch e.Symptom {
	case Silence:
		return "no answer"
	case Stranger:
		return fmt.Sprintf("no answer, but somebody else's frame: % X", e.Heard)
	}
	return fmt.Sprintf("no answer, but bytes that are no frame: % X", e.Heard)
}

// SymptomOf says what a reading looked like.
func SymptomOf(r Reading, err error) Symptom {
	var none *NoAnswer
	var re *ReadError
	switch {
	case err == nil && r.Overlap:
		return Overlap
	case err == nil && r.Quality == telemetry.Uncertain:
		return Implausible
	case err == nil:
		return Sound
	case errors.As(err, &none):
		return none.Symptom
	case errors.As(err, &re) && re.Cause == Damaged:
		return Checksum
	case errors.As(err, &re) && re.Cause == Timeout:
		return Silence
	case errors.As(err, &re) && re.Cause == LineDown:
		return Lost
	}
	return Refused
}

// Tally counts the symptoms of one device.
type Tally [symptoms]int

// memory is how many readings a tally looks back on: older ones fade, so that
// a line that was repaired is called sound again.
const memory = 1000

// Add counts one reading.
func (t *Tally) Add(r Reading, err error) {
	t[SymptomOf(r, err)]++
	if t.total() < memory {
		return
	}
	for s := range t {
		t[s] /= 2
	}
}

func (t Tally) total() (n int) {
	for _, c := range t {
		n += c
	}
	return n
}

// alive is how many readings brought any sign of the device itself.
func (t Tally) alive() int { return t[Sound] + t[Implausible] + t[Overlap] + t[Refused] }

// share is the part of readings with one of the symptoms.
func (t Tally) share(of ...Symptom) float64 {
	n := 0
	for _, s := range of {
		n += t[s]
	}
	return float64(n) / float64(max(t.total(), 1))
}

// Finding is a probable fault in an installer's words. Device is empty where
// the line as a whole is meant.
type Finding struct {
	Device devices.ID
	Text   profile.Title
}

// The sentences. What to look at first stands first.
var (
	noLine    = profile.Title{ZH: "串口或网络连接不在：检查 USB 转换器是否插好、端口名是否正确、转换器 IP 与端口", EN: "the port or connection is not there: look at the USB adapter's plug, the port's name, the converter's address"}
	allSilent = profile.Title{ZH: "整条线没有任何字节返回：A/B 接反或未接、设备未上电、端口选错、RS-485 方向未切换，或全部地址不对", EN: "not one byte comes back on this line: A and B swapped or open, devices without power, the wrong port, RS-485 direction not switched, or all addresses wrong"}
	garbled   = profile.Title{ZH: "有字节返回但不成帧：波特率或校验位（无/偶/奇）与设备不一致，用 edge scan 试出来", EN: "bytes come back but no frames: speed or parity (none, even, odd) differs from the device's; edge scan finds them"}
	noisy     = profile.Title{ZH: "多个设备校验出错：检查总线两端 120Ω 终端电阻、屏蔽层接地、线长与强电并行、星形接线", EN: "answers of several devices arrive damaged: look at the 120 ohm terminations at both ends, the shield, the cable's length beside power cables, star wiring"}
	silent    = profile.Title{ZH: "该设备没有应答，同线其它设备正常：地址不对、未上电或分支线断", EN: "this device is silent while others answer: wrong address, no power, or its branch is broken"}
	doubled   = profile.Title{ZH: "一次询问有多个应答：两台设备地址相同，改其中一台", EN: "one question, more than one answer: two devices have this address, change one"}
	clashing  = profile.Title{ZH: "只有该地址的应答损坏：多半两台设备地址相同，其次是该分支接触不良", EN: "only answers of this address are damaged: most likely two devices share it, else its branch has a bad contact"}
	stranger  = profile.Title{ZH: "应答来自别的地址或功能码：总线上还有另一个主站，或设备回的不是本机地址", EN: "other frames than asked for: a second master is on the line, or the device answers with another address"}
	ordered   = profile.Title{ZH: "数值总是超出合理范围：字节序/字序不对（ABCD、CDAB、BADC、DCBA）或型号档案不对，用 edge probe 对照", EN: "values are always implausible: wrong word order (ABCD, CDAB, BADC, DCBA) or wrong profile; edge probe shows all of them"}
	refusing  = profile.Title{ZH: "设备拒绝回答：寄存器或数据标识在该型号上不存在，核对型号档案与版本", EN: "the device refuses: this model has no such register or identifier; compare profile and firmware"}
)

// Limits between a passing disturbance and a fault worth a person's way.
const (
	few       = 3    // readings before anything is said
	mostly    = 0.6  // share of readings that makes a symptom the rule
	disturbed = 0.02 // share of damaged answers that a sound line does not have
)

// Diagnose says what is probably wrong with a line, from what its devices
// looked like. It is a pure function; nothing is said of a sound line.
func Diagnose(line map[devices.ID]Tally) (found []Finding) {
	var all Tally
	hurt := 0 // devices with damaged answers
	for _, t := range line {
		for s, n := range t {
			all[s] += n
		}
		if t.share(Checksum) > disturbed {
			hurt++
		}
	}
	switch {
	case all.total() < few:
		return nil
	case all.share(Lost) > mostly:
		return []Finding{{Text: noLine}}
	case all.share(Silence) == 1:
		return []Finding{{Text: allSilent}}
	case all.share(Garbage) > mostly, all.alive() == 0 && all.share(Garbage, Checksum) > mostly:
		return []Finding{{Text: garbled}}
	case hurt > 1 && all.alive() > 0:
		found = append(found, Finding{Text: noisy})
	}
	for _, id := range slices.Sorted(maps.Keys(line)) {
		if text := ofDevice(line[id], hurt, len(line)); text.EN != "" {
			found = append(found, Finding{id, text})
		}
	}
	return found
}

// ofDevice judges one device of a line on which some answer.
func ofDevice(t Tally, hurt, devices int) profile.Title {
	switch {
	case t.total() < few:
	case t.share(Overlap) > disturbed:
		return doubled
	case t.share(Silence) > mostly:
		return silent
	case t.share(Stranger) > mostly:
		return stranger
	case hurt == 1 && t.share(Checksum) > disturbed && devices > 1:
		return clashing
	case hurt == 1 && t.share(Checksum) > disturbed:
		return noisy
	case t.share(Refused) > mostly:
		return refusing
	case t.share(Implausible) > mostly:
		return ordered
	}
	return profile.Title{}
}
