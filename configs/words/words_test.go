package words

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"gridhub/configs"
)

func TestChinese(t *testing.T) {
	for english, want := range map[string]string{
		"want a number from 1 up to 5000":                                           "应为：1 到 5000 的数",
		"not known here, did you mean baud?":                                        "没有此项，是否想写 baud？",
		"want one of tcp, serial: not known here, did you mean tcp?":                "应为：tcp, serial 之一；没有此项，是否想写 tcp？",
		"want a frame that answers: wrong CRC":                                      "应为：应答的帧：CRC 错误",
		"want a readable file: open x.yaml: no such file or directory":              "应为：可读的文件：打开 x.yaml：没有这个文件或目录",
		"want a port of its own, line a has b already, with 1 n 1 instead of 2 e 2": "应为：独占的串口：线路 a 已占用 b，且参数是 1 n 1，这里是 2 e 2",
		"the public holidays of 2027 are not known and count as working days: add a file as in configs/calendars and name it under calendars": "没有 2027 年的放假安排，节假日暂按工作日计算：请仿照 configs/calendars 添加该年文件，并写入 calendars",
	} {
		if got, ok := Chinese(english); !ok || got != want {
			t.Errorf("%q: %q, want %q", english, got, want)
		}
	}
	if got, ok := Chinese("want a thing nobody speaks of"); ok || got != "应为：a thing nobody speaks of" {
		t.Errorf("an unknown sentence: %q", got)
	}
}

func TestLang(t *testing.T) {
	for lang, want := range map[string]Lang{"zh_CN.UTF-8": ZH, "en_GB.UTF-8": EN, "C": EN, "": EN} {
		if got := Of(func(key string) string { return map[string]string{"LANG": lang}[key] }); got != want {
			t.Errorf("LANG=%s: %s", lang, got)
		}
	}
	if _, err := Parse("fr"); err == nil {
		t.Error("fr is a language")
	}
	ps := configs.Problems{{File: "a", Want: "want a name"}}
	if got := ZH.Problems(ps); got[0].Want != "应为：名称" || ps[0].Want != "want a name" {
		t.Errorf("got %v of %v", got, ps)
	}
}

// spoken are the packages whose sentences an installer reads.
var spoken = []string{"configs", "devices/profile", "edge/gateway", "edge/uplink"}

// verb is a place in a Go format where something is filled in.
var verb = regexp.MustCompile(`%[#+]?[0-9.]*[a-z]`)

// TestEverySentence finds what is said of mistakes in the source and holds that
// it can be said in Chinese.
func TestEverySentence(t *testing.T) {
	found := 0
	for _, dir := range spoken {
		files, _ := filepath.Glob(filepath.Join("../..", dir, "*.go"))
		if len(files) == 0 {
			t.Fatalf("no source in %s", dir)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(f, func(n ast.Node) bool {
				for _, s := range said(n) {
					found++
					if _, ok := Chinese(verb.ReplaceAllString(s, "7")); !ok {
						t.Errorf("%s: %q has no Chinese: give it a line in configs/words/zh.yaml", file, s)
					}
				}
				return true
			})
		}
	}
	if found < 100 {
		t.Errorf("only %d sentences found", found)
	}
}

// wishes are the functions that say what was wanted, and where among their
// arguments.
var wishes = map[string]int{"Fault": 2, "add": 2, "problem": 3}

// said returns the sentences of a node: arguments of wishes and values of the
// key Want. Those that consist of what is filled in alone are left out.
func said(n ast.Node) (all []string) {
	var e ast.Expr
	switch n := n.(type) {
	case *ast.CallExpr:
		name := ""
		switch f := n.Fun.(type) {
		case *ast.Ident:
			name = f.Name
		case *ast.SelectorExpr:
			name = f.Sel.Name
		}
		if at, ok := wishes[name]; ok && len(n.Args) > at {
			e = n.Args[at]
		}
	case *ast.KeyValueExpr:
		if key, ok := n.Key.(*ast.Ident); ok && key.Name == "Want" {
			e = n.Value
		}
	}
	if s := text(e); strings.Trim(verb.ReplaceAllString(s, ""), " :") != "" && strings.Contains(s, " ") {
		all = append(all, s)
	}
	return all
}

// text is the format that an expression makes, with %s where it is no literal.
func text(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		s, _ := strconv.Unquote(e.Value)
		return s
	case *ast.BinaryExpr:
		return text(e.X) + text(e.Y)
	case *ast.CallExpr:
		if f, ok := e.Fun.(*ast.SelectorExpr); ok && f.Sel.Name == "Sprintf" && len(e.Args) > 0 {
			return text(e.Args[0])
		}
	}
	return "%s"
}

// TestCatalogue holds that each translation fills in what its sentence does.
func TestCatalogue(t *testing.T) {
	data, err := os.ReadFile("zh.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var pairs map[string]string
	if err := configs.Decode("zh.yaml", data, &pairs); err != nil {
		t.Fatal(err)
	}
	place := regexp.MustCompile(`\{\d+\}`)
	for en, zh := range pairs {
		for _, p := range place.FindAllString(zh, -1) {
			if i, _ := strconv.Atoi(strings.Trim(p, "{}")); i < 1 || i > strings.Count(en, "{}") {
				t.Errorf("%q fills in %s, of %d", zh, p, strings.Count(en, "{}"))
			}
		}
	}
}
