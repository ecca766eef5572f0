package archive

import "gridhub/hub/tasks"

// texts are what a person reads, Chinese and English.
var texts = map[string][2]string{
	string(BadRecord):    {"容器结构被改动", "a record of the container was changed"},
	string(BadEnd):       {"文件被截断或在结尾后多出内容", "the file is cut short or goes on after its end"},
	string(BadContent):   {"内容与封存时不一致", "the bytes are not those that were sealed"},
	string(BadList):      {"条目缺失、多余、重复或次序不对", "an entry is missing, unknown, repeated or out of order"},
	string(BadEvent):     {"事件与封存时不一致", "an event is not the one that was sealed"},
	string(BadChain):     {"事件与前一事件衔接不上", "an event does not follow the one before"},
	string(BadSecret):    {"个人信息与链上承诺不符", "a personal value is not the one that was committed"},
	string(BadEvidence):  {"证据原件与事件所记不符", "an original is not the one that an event names"},
	string(BadManifest):  {"清单与封存时不一致", "the manifest is not the one that was sealed"},
	string(BadStatement): {"封存声明与其余内容矛盾", "the statement and the rest contradict each other"},
	string(BadProof):     {"检查点不能证明该声明在日志中", "the log's checkpoint does not cover the statement"},
	string(BadSignature): {"签名无效或不是该公钥所签", "not signed by the given key"},
	string(BadHistory):   {"日志前后矛盾", "the log tells two stories"},

	"in entry": {"：条目 %s", ": entry %s"},
	"in event": {"，第 %d 个事件", ", event %d"},
	"in bytes": {"，字节 %d–%d", ", bytes %d to %d"},
	"detail":   {"；", "; "},

	"ok":       {"有效", "OK"},
	"bad":      {"无效", "FAULTY"},
	"sealed":   {"%s：%s，案件 %s 第 %d 次封存，%d 个事件，%d 个条目，日志第 %d 条（共 %d 条），封存于 %s", "%s: %s, case %s seal %d, %d events, %d entries, log index %d of %d, sealed %s"},
	"unread":   {"%s：%s", "%s: %s"},
	"redacted": {"（脱敏版）", " (redacted)"},
	"field":    {"未出示：第 %d 个事件的%s", "withheld: %[2]s of event %[1]d"},
	"file":     {"未出示：%s", "withheld: %s"},
	"missing":  {"封存时未收到的证据：%s", "evidence that had not come when the case was sealed: %s"},
}

func say(lang, key string) string {
	t := texts[key]
	if lang == "zh" {
		return t[0]
	}
	return t[1]
}

// fieldWords name the personal fields.
var fieldWords = map[string]string{"text": "描述", "reporter": "反映人", "why": "原因"}

func fieldWord(lang, field string) string {
	if w := fieldWords[field]; w != "" && lang == "zh" {
		return w
	}
	return field
}

// eventWords name the events as the document shows them.
var eventWords = map[tasks.EventType]string{
	tasks.Reported: "上报", tasks.Screened: "受理", tasks.Rejected: "不予受理", tasks.Spot: "自处置", tasks.Verifying: "核实", tasks.Verified: "核实属实", tasks.Filed: "立案", tasks.Dispatched: "派遣",
	tasks.Accepted: "签收", tasks.Returned: "回退", tasks.Enroute: "前往", tasks.Onscene: "到场", tasks.Handling: "处置",
	tasks.Extended: "延时", tasks.Suspended: "挂账", tasks.Resumed: "恢复", tasks.Claimed: "处理反馈", tasks.Checked: "核查通过",
	tasks.Rework: "返工", tasks.Closed: "结案", tasks.Archived: "归档", tasks.Voided: "作废", tasks.Graded: "调整等级", tasks.Supervised: "督办", tasks.Escalated: "逐级提醒", tasks.Noted: "备注",
	tasks.Evidence: "证据", tasks.Called: "通话", tasks.Sensed: "传感器",
	tasks.Merged: "并入他案", tasks.Unmerged: "撤销并案", tasks.Joined: "他案并入", tasks.Parted: "他案分出",
	tasks.Objected: "提出异议", tasks.Upheld: "异议成立", tasks.Dismissed: "异议驳回",
	tasks.Cosign: "发起会签", tasks.Agreed: "会签同意", tasks.Opposed: "会签不同意", tasks.Withdrawn: "撤回会签",
	tasks.Ordered: "协办派单", tasks.Taken: "协办签收", tasks.Declined: "协办退单", tasks.Done: "协办办结", tasks.Waived: "协办免办",
}

var sourceWords = map[string]string{"sensor": "传感器", "patrol": "巡查", "sos": "一键求助", "hotline": "12345 热线", "resident": "居民",
	"partner": "共建单位", "desk": "指挥中心"}

var severityWords = map[string]string{"info": "提示", "minor": "一般", "major": "较大", "critical": "重大"}

var limitWords = map[string]string{"arrive": "到场", "handle": "处置", "verify": "核实", "check": "核查", "co-accept": "协办签收", "co-handle": "协办处置",
	"cordon": "警戒", "stop": "制止", "penalty": "处罚", "remove": "拆除", "post": "到岗", "report": "报告", "visit": "走访", "reply": "答复"}

var kindWords = map[tasks.LimitKind]string{tasks.Emergency: "紧急时", tasks.WorkingHours: "工作时", tasks.WorkingDays: "工作日",
	tasks.CalendarHours: "日历时", tasks.CalendarDays: "日历日"}

// word is the Chinese of a code, the code itself where there is none.
func word[K ~string](words map[K]string, code K) string {
	if w := words[code]; w != "" {
		return w
	}
	return string(code)
}
