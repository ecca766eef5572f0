package health

import (
	"fmt"
	"strings"
	"time"
)

// lowCharge is the percentage below which a silent device is taken to have run
// out of battery.
const lowCharge = 15

func words(zh, en string, args ...any) Words {
	return Words{fmt.Sprintf(zh, args...), fmt.Sprintf(en, args...)}
}

// span writes a duration as people say it.
func span(d time.Duration) Words {
	switch {
	case d < 2*time.Minute:
		return words("%d 秒", "%d s", int(d.Seconds()))
	case d < 2*time.Hour:
		return words("%d 分钟", "%d min", int(d.Minutes()))
	}
	return words("%d 小时", "%d h", int(d.Hours()))
}

// What tells a gateway's faults.
var (
	stoppedByHand = Words{"网关程序自己说明正常停止", "the gateway's program said that it was stopped"}
	notReturned   = Words{"中心重启后一直没有重新连上", "it has not returned since the hub was started"}
	saysNothing   = Words{"网关仍在线，但所有设备都没有任何记录上来", "the gateway is connected, but nothing is said of any of its devices"}
)

func cutOff(g *gateway) Words {
	quiet := span(max(g.Left.Sub(g.Heard), 0))
	return both(func(t func(Words) string) (string, string) {
		return "与网关的连接断开，此前最后一次消息在 " + t(quiet) + " 前；断电、程序停止或网络中断，要等它回来才能分清",
			"the connection to the gateway broke, its last message was " + t(quiet) + " before; whether power, program or network will be known when it returns"
	})
}

func wayWasCut(away time.Duration) Words {
	return both(func(t func(Words) string) (string, string) {
		return "网关离线 " + t(span(away)) + " 期间一直在运行：断的是网络", "the gateway ran all through the " + t(span(away)) + " it was away: the network was cut"
	})
}

func machineWasOff(away, up time.Duration) Words {
	return both(func(t func(Words) string) (string, string) {
		return "失联 " + t(span(away)) + "，而机器才开机 " + t(span(up)) + "：网关断过电",
			"it was away for " + t(span(away)) + " and its machine has been up for " + t(span(up)) + ": it had no power"
	})
}

func programWasOff(away, up time.Duration) Words {
	return both(func(t func(Words) string) (string, string) {
		return "失联 " + t(span(away)) + "，机器没有断电，而程序才运行 " + t(span(up)) + "：网关程序重启过",
			"it was away for " + t(span(away)) + ", its machine had power, its program has run for " + t(span(up)) + ": the program was restarted"
	})
}

// both makes a sentence twice, with the parts in the language at hand.
func both(f func(t func(Words) string) (zh, en string)) Words {
	zh, _ := f(func(w Words) string { return w.ZH })
	_, en := f(func(w Words) string { return w.EN })
	return Words{zh, en}
}

// What tells a line's.
func portGone(line string) Words {
	return words("网关上线路 %s 的串口或网络连接不在了", "the port or connection of line %s is not there at the gateway", line)
}

func wholeLine(line string, n int, failing []member) Words {
	if same(failing, "damaged") {
		return words("线路 %s 上 %d 台设备的应答全部损坏", "the answers of all devices on line %s arrive damaged (%d)", line, n)
	}
	return words("线路 %s 上 %d 台设备全部没有应答", "none of the devices on line %s answers (%d)", line, n)
}

func partOfLine(line string, k, n int) Words {
	return words("线路 %s 上 %d/%d 台设备几乎同时失去应答，其余正常：多半是中间某处断开", "on line %s %d of %d devices fell silent at about the same time, the others answer: most likely it is broken between them", line, k, n)
}

func nobodyElse(line string, k, n int) Words {
	return words("线路 %s 上 %d 台设备没有应答（共 %d 台），其后也没有别的设备应答过", "on line %s %d devices of %d do not answer, and nobody else on it has answered since", line, k, n)
}

func allLines(lines, n int) Words {
	return words("网关在线，但 %d 条线路、%d 台设备同时失去应答：多半是传感器的供电断了", "the gateway is connected, but %d lines with %d devices fell silent together: most likely the sensors' supply is off", lines, n)
}

func same(all []member, cause string) bool {
	for _, m := range all {
		if m.Cause != cause {
			return false
		}
	}
	return true
}

// sensorWords says what a device does that fails alone, and what to do.
func sensorWords(m member, n int, lined bool) (why, next []Words) {
	switch {
	case m.mute:
		why, next = []Words{{"网关在线，别的设备有记录，唯独没有这台的", "the gateway is connected and speaks of others, not of this device"}}, nextMute
	case strings.HasPrefix(m.Cause, "exception-"):
		why, next = []Words{words("设备在应答，但拒绝读取（%s）", "the device answers, but refuses to be read (%s)", m.Cause)}, nextRefuses
	case m.Cause == "damaged":
		why, next = []Words{{"只有这台设备的应答损坏", "only this device's answers arrive damaged"}}, nextDamaged
	case m.Cause == "unfit":
		why, next = []Words{{"型号档案、地址与线路对不上", "profile, address and line do not belong together"}}, nextRefuses
	default:
		why, next = []Words{{"这台设备没有应答", "this device does not answer"}}, nextSilent
	}
	switch {
	case lined && n > 1:
		why = append(why, words("同一线路上其余 %d 台不受影响", "the other devices on its line are not affected (%d)", n-1))
	case lined:
		why = append(why, Words{"它是该线路上唯一的设备，线路本身也可能断开", "it is the only device on its line, which may be broken as well"})
	}
	return why, next
}

func weakBattery(m member) Words {
	if m.Charged {
		return words("失去应答前电量只有 %.0f%%", "its battery was at %.0f %% before", m.Charge)
	}
	return Words{"失去应答前报过电量低", "it said that its battery was low before"}
}

// What to do next, the first thing first.
var (
	nextUplink = []Words{
		{"先看同一处的其它网关是否也断开：都断是运营商或供电，只断一台去现场", "see whether other gateways nearby are gone too: then it is the provider or the mains; if not, go there"},
		{"现场看网关电源灯、网线或 SIM 卡；读数存在网关里，恢复后自动补传", "on site look at its power lamp, network cable or SIM card; its readings wait inside and follow by themselves"},
	}
	nextStopped       = []Words{{"问一下是谁停的；在网关上启动：systemctl start gridhub-edge", "ask who stopped it; start it there: systemctl start gridhub-edge"}}
	nextHangs         = []Words{{"看网关 /healthz 与日志；重启网关程序", "look at the gateway's /healthz and log; restart its program"}}
	nextNothingUplink = []Words{{"已恢复，积存读数正在补传；反复出现时请运营商查线路", "it is back and what waited follows; if it happens again, have the provider look"}}
	nextPower         = []Words{{"已恢复；反复出现时检查该处供电，考虑加 UPS", "it is back; if it happens again, look at the mains there and think of a UPS"}}
	nextRestarted     = []Words{{"已恢复；看网关日志里停止前的最后几行", "it is back; look at the last lines in the gateway's log before it stopped"}}
	nextSupply        = []Words{{"检查传感器供电：空气开关、电源模块、保险丝", "look at the sensors' supply: breaker, power module, fuse"}}
	nextLine          = []Words{
		{"检查 RS-485 总线：A/B 接线、接头、两端 120Ω 终端电阻、转换器供电", "look at the RS-485 bus: A and B, connectors, the 120 ohm terminations, the converter's supply"},
		{"从网关端起分段断开，找到断点", "open it section by section from the gateway to find the break"},
	}
	nextPort = []Words{
		{"看 USB 转换器或网口是否插好；插回后自动重新打开，不用重启", "see whether the USB adapter or network plug sits; it is opened again by itself"},
		{"仍不行时核对设备文件里的端口（用 /dev/serial/by-id/…）", "else compare the port in the device file (by /dev/serial/by-id/…)"},
	}
	nextSilent  = []Words{{"检查该设备的供电与分支接线，再核对地址", "look at this device's power and branch, then at its address"}}
	nextMute    = []Words{{"看网关设备文件里是否还有它，再看网关日志", "see whether the gateway's device file still has it, then at the gateway's log"}}
	nextRefuses = []Words{{"核对型号档案与固件版本：edge probe", "compare profile and firmware: edge probe"}}
	nextDamaged = []Words{{"检查该分支接触；是否有两台设备用了同一地址", "look at its branch's contacts; see whether two devices share its address"}}
	nextBattery = []Words{{"更换电池", "change its battery"}}
)
