package gateway

import (
	"context"
	"fmt"
	"log/slog"
	"math/bits"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"gridhub/devices/codec/modbus"
	"gridhub/edge/driver/modbus/modbustest"
	"gridhub/edge/uplink/hubtest"
)

// reply is the sound answer to a question for two registers: 3.1 %LEL, normal.
func reply(request []byte) []byte {
	return modbus.RTU(request[0], []byte{3, 4, 0, 31, 0, 0})
}

func whole(p []byte) []modbustest.Chunk { return []modbustest.Chunk{{Bytes: p}} }

// asEven is what a port set to no parity makes of bytes sent with even parity:
// the parity bit stands where the stop bit should, and a byte whose parity bit
// is 0 has no stop bit, so that the port drops it.
func asEven(p []byte) (heard []byte) {
	for _, b := range p {
		if bits.OnesCount8(b)%2 == 1 {
			heard = append(heard, b)
		}
	}
	return heard
}

func damaged(p []byte) []byte {
	p = slices.Clone(p)
	p[len(p)-3] ^= 0x20
	return p
}

// TestWiring makes each fault of an installer's on a pseudo-terminal, runs a
// whole gateway on it and reads what it says, in both languages.
func TestWiring(t *testing.T) {
	two := "  - {id: a-1, profile: gas-ch4@1, line: bus, address: 1, period: 100ms}\n  - {id: a-2, profile: gas-ch4@1, line: bus, address: 2, period: 100ms}\n"
	meter := "  - {id: a-1, profile: electricity-sdm630@1, line: bus, address: 1, period: 100ms}\n"
	for name, tt := range map[string]struct {
		devices string
		answer  modbustest.Answer
		device  string // "" = the line as a whole
		zh, en  string
	}{
		"A and B swapped": {two, func(int, []byte) []modbustest.Chunk { return nil },
			"", "A/B 接反或未接", "A and B swapped or open"},
		"wrong parity": {two, func(_ int, r []byte) []modbustest.Chunk { return whole(asEven(reply(r))) },
			"", "波特率或校验位（无/偶/奇）与设备不一致", "speed or parity (none, even, odd) differs from the device's"},
		"wrong speed": {two, func(int, []byte) []modbustest.Chunk { return whole([]byte{0xF8, 0x00, 0x80, 0xF8, 0x78}) },
			"", "波特率或校验位", "speed or parity"},
		"wrong word order": {meter, func(_ int, r []byte) []modbustest.Chunk {
			body := append([]byte{4, 2 * r[5]}, slices.Repeat([]byte{0x80, 0x00, 0x43, 0x65}, int(r[5])/2)...) // 229.5, the low word first
			return whole(modbus.RTU(r[0], body))
		}, "a-1", "字节序/字序不对（ABCD、CDAB、BADC、DCBA）", "wrong word order (ABCD, CDAB, BADC, DCBA)"},
		"one address twice, in turn": {two, func(_ int, r []byte) []modbustest.Chunk {
			if r[0] == 2 {
				return whole(append(reply(r), reply(r)...))
			}
			return whole(reply(r))
		}, "a-2", "两台设备地址相同", "two devices have this address"},
		"one address twice, at once": {two, func(_ int, r []byte) []modbustest.Chunk {
			if r[0] == 2 {
				return whole(damaged(reply(r)))
			}
			return whole(reply(r))
		}, "a-2", "多半两台设备地址相同", "most likely two devices share it"},
		"no termination": {two, func(n int, r []byte) []modbustest.Chunk {
			if n%7 == 3 || n%7 == 4 {
				return whole(damaged(reply(r)))
			}
			return whole(reply(r))
		}, "", "120Ω 终端电阻", "120 ohm terminations"},
		"one without power": {two, func(_ int, r []byte) []modbustest.Chunk {
			if r[0] == 2 {
				return nil
			}
			return whole(reply(r))
		}, "a-2", "地址不对、未上电或分支线断", "wrong address, no power, or its branch is broken"},
		"a second master": {two, func(_ int, r []byte) []modbustest.Chunk {
			if r[0] == 2 {
				return whole(modbus.RTU(9, []byte{3, 4, 1, 2, 3, 4}))
			}
			return whole(reply(r))
		}, "a-2", "还有另一个主站", "a second master is on the line"},
		"another model": {two, func(_ int, r []byte) []modbustest.Chunk {
			if r[0] == 2 {
				return whole(modbus.RTU(2, []byte{0x83, 2}))
			}
			return whole(reply(r))
		}, "a-2", "寄存器或数据标识在该型号上不存在", "this model has no such register"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bus := modbustest.NewBus(t, tt.answer)
			broker := hubtest.StartBroker(t)
			hub := hubtest.New(t, broker.Address(), "edge-1")
			cfg := street(t, broker.Address(), 1, "")
			plant := filepath.Join(t.TempDir(), "bus.yaml")
			write(t, plant, fmt.Sprintf("lines: [{name: bus, kind: serial, path: %q, timeout: 100ms}]\ndevices:\n%s", bus.Path(), tt.devices))
			cfg.Devices, cfg.Poll.MaxBackoff = []string{plant}, 1e9
			g, err := New(cfg, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			var group sync.WaitGroup
			defer group.Wait()
			defer cancel()
			group.Go(func() { g.Run(ctx) })
			hub.Wait("the sentence", func(hubtest.State) bool {
				for _, f := range g.findings() {
					if string(f.Device) == tt.device && strings.Contains(f.ZH, tt.zh) && strings.Contains(f.EN, tt.en) {
						return true
					}
				}
				return false
			})
		})
	}
}
