package audit

import (
	"fmt"
	"time"
)

// texts are what a person reads, Chinese and English.
var texts = map[string][2]string{
	string(Changed): {"第 %d 条与写入时不一致", "entry %d is not the one that was written"},
	string(Missing): {"从第 %d 条起缺失", "entries are missing from %d on"},
	string(Moved):   {"第 %d 条不在自己的位置上", "entry %d stands in another's place"},
	string(Broken):  {"第 %d 条与前一条衔接不上：两者之一被改写", "entry %d does not follow the one before: either was rewritten"},
	string(Head):    {"签名无效或不是该公钥所签", "the head was not signed by the given key"},
	"ok":            {"%s：有效，审计日志第 %d–%d 条，签名于 %s", "%s: OK, audit log entries %d to %d, signed %s"},
	"bad":           {"%s：无效", "%s: FAULTY"},
	"middle":        {"不含第 %d 条之前的内容", "what came before entry %d is not in it"},
	"cut":           {"第 %d 条记载：更早的日志曾被截断", "entry %d tells that an earlier part of the log was cut off"},
}

func say(lang, key string, args ...any) string {
	t := texts[key][1]
	if lang == "zh" {
		t = texts[key][0]
	}
	return fmt.Sprintf(t, args...)
}

// Lines tells what was found in the file called name: a line for the verdict
// and one for each thing that one must know, in "zh" or "en".
func (c Chain) Lines(name, lang string) []string {
	if c.Fault != nil {
		what := say(lang, string(c.Fault.Code))
		if c.Fault.Code != Head {
			what = say(lang, string(c.Fault.Code), c.Fault.N)
		}
		return []string{say(lang, "bad", name), "  " + what}
	}
	out := []string{say(lang, "ok", name, c.First, c.Last, time.UnixMilli(int64(c.At)).Format(time.DateTime+" -07:00"))}
	if c.First > 1 {
		out = append(out, "  "+say(lang, "middle", c.First))
	}
	for _, n := range c.Cuts {
		out = append(out, "  "+say(lang, "cut", n))
	}
	return out
}
