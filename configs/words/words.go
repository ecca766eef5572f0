// Package words says in Chinese what the programs say in English of mistakes
// in files.
//
// English is the sentence in the code; zh.yaml holds its translation, with {}
// where something is filled in, and {1}, {2} where it goes in Chinese. What is
// filled in is translated as well if it is a sentence of its own. A sentence
// without translation stays English, so nothing is ever lost; a test finds the
// sentences of the loader, the profiles and the gateway that have none.
package words

import (
	"cmp"
	_ "embed"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"gridhub/configs"
)

//go:embed zh.yaml
var catalogue []byte

// sentence is one entry of the catalogue.
type sentence struct {
	english *regexp.Regexp
	letters int // of the English that are fixed: the more, the surer
	chinese string
}

// sentences is the catalogue, the surest first.
var sentences = sync.OnceValue(func() (all []sentence) {
	var pairs map[string]string
	if err := configs.Decode("zh.yaml", catalogue, &pairs); err != nil {
		panic(err) // embedded: a test reads it
	}
	for en, zh := range pairs {
		parts := strings.Split(en, "{}")
		for i, p := range parts {
			parts[i] = regexp.QuoteMeta(p)
		}
		all = append(all, sentence{regexp.MustCompile("(?s)^" + strings.Join(parts, "(.*?)") + "$"), len(en), zh})
	}
	slices.SortFunc(all, func(a, b sentence) int {
		return cmp.Or(cmp.Compare(b.letters, a.letters), cmp.Compare(a.chinese, b.chinese))
	})
	return all
})

// maxDepth bounds sentences within sentences.
const maxDepth = 4

// Chinese translates a sentence; ok is false if there is no translation.
func Chinese(english string) (chinese string, ok bool) { return translate(english, 0) }

func translate(english string, depth int) (string, bool) {
	wanted := ""
	if rest, ok := strings.CutPrefix(english, "want "); ok {
		english, wanted = rest, "应为："
	}
	for _, s := range sentences() {
		found := s.english.FindStringSubmatch(english)
		if found == nil {
			continue
		}
		text := s.chinese
		for i, part := range found[1:] {
			if depth < maxDepth {
				part, _ = translate(part, depth+1)
			}
			text = strings.ReplaceAll(text, fmt.Sprintf("{%d}", i+1), part)
		}
		return wanted + text, true
	}
	if wanted != "" {
		return wanted + english, false
	}
	return english, false
}

// Lang is a language of messages.
type Lang string

// The languages.
const (
	ZH Lang = "zh"
	EN Lang = "en"
)

// Of is the language that a user's environment asks for: LC_ALL, LC_MESSAGES or
// LANG, whichever is set first; anything but Chinese is English.
func Of(getenv func(string) string) Lang {
	if strings.HasPrefix(cmp.Or(getenv("LC_ALL"), getenv("LC_MESSAGES"), getenv("LANG")), "zh") {
		return ZH
	}
	return EN
}

// Parse reads a language's name.
func Parse(s string) (Lang, error) {
	switch l := Lang(s); l {
	case ZH, EN:
		return l, nil
	}
	return "", fmt.Errorf("language %q: want zh or en", s)
}

// Problems returns ps in the language.
func (l Lang) Problems(ps configs.Problems) configs.Problems {
	if l != ZH {
		return ps
	}
	said := slices.Clone(ps)
	for i := range said {
		said[i].Want, _ = Chinese(said[i].Want)
	}
	return said
}

// Sentence returns one sentence in the language.
func (l Lang) Sentence(english string) string {
	if l != ZH {
		return english
	}
	chinese, _ := Chinese(english)
	return chinese
}
