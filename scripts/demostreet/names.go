package main

import "strings"

// name is a text in two languages.
type name struct{ zh, en string }

// Two lists of words from which the street's names are put together. They were
// chosen for sound; what comes out is nobody's address.
var firsts = []name{
	{"澄", "Cheng"}, {"栖", "Qi"}, {"望", "Wang"}, {"听", "Ting"}, {"映", "Ying"}, {"芦", "Lu"},
	{"槐", "Huai"}, {"桐", "Tong"}, {"鹭", "Lu"}, {"霁", "Ji"}, {"汀", "Ting"}, {"苔", "Tai"},
	{"帆", "Fan"}, {"萤", "Ying"}, {"柘", "Zhe"}, {"枫", "Feng"},
}

var seconds = []name{
	{"汐", "xi"}, {"云", "yun"}, {"松", "song"}, {"石", "shi"}, {"溪", "xi"}, {"舟", "zhou"},
	{"岚", "lan"}, {"野", "ye"}, {"禾", "he"}, {"声", "sheng"}, {"沙", "sha"}, {"径", "jing"}, {"晴", "qing"},
}

// placeName is the nth name, without the word for what it is.
func placeName(n int) name {
	f, s := firsts[n%len(firsts)], seconds[(n*5+n/len(firsts))%len(seconds)]
	return name{f.zh + s.zh, f.en + s.en}
}

// lineName names a road by its class.
func lineName(n int, class string) name {
	base := placeName(n)
	switch class {
	case "main":
		return name{base.zh + "路", base.en + " Road"}
	case "side":
		return name{base.zh + "街", base.en + " Street"}
	}
	return name{base.zh + "巷", base.en + " Lane"}
}

// crossing names a place where roads meet; one name alone is "along" it.
func crossing(names []name) name {
	if len(names) == 1 {
		return name{names[0].zh + "沿线", "along " + names[0].en}
	}
	zh, en := []string{}, []string{}
	for _, n := range names[:2] {
		zh, en = append(zh, n.zh), append(en, n.en)
	}
	return name{strings.Join(zh, "与") + "路口", strings.Join(en, " × ")}
}
