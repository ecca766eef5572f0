package configs

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// maxNodes bounds the work for one file: aliases can unfold a small file into
// an endless one.
const maxNodes = 200_000

// place is where a key's value stands, and how it is written there.
type place struct {
	line, column int
	text         string
}

// decoder walks one document into one Go value and collects problems.
type decoder struct {
	file     string
	at       map[string]place    // by path
	anchors  map[string]ast.Node // known once read, so none can hold itself
	problems Problems
	nodes    int
	fatal    bool // the syntax is broken: nothing else can be said
}

// parse returns the document's root, or nil if there is none.
func (d *decoder) parse(data []byte) ast.Node {
	file, err := parser.ParseBytes(data, 0, parser.AllowDuplicateMapKey())
	var syntax *yaml.SyntaxError
	switch {
	case errors.As(err, &syntax):
		d.fatal = true
		p := Problem{File: d.file, Want: "want valid YAML: " + syntax.Message}
		if syntax.Token != nil {
			p.Line, p.Column = syntax.Token.Position.Line, syntax.Token.Position.Column
			p.Value = syntax.Token.Value
		}
		d.problems = append(d.problems, p)
		return nil
	case err != nil:
		d.fatal = true
		d.problems = append(d.problems, Problem{File: d.file, Want: "want valid YAML: " + err.Error()})
		return nil
	}
	var root ast.Node
	for _, doc := range file.Docs {
		if doc.Body == nil || doc.Body.Type() == ast.CommentType {
			continue
		}
		if root != nil {
			d.problem(doc.Body, "", "", "want one document per file, this is a second one")
			break
		}
		root = doc.Body
	}
	return root
}

// problem reports what was wanted at n.
func (d *decoder) problem(n ast.Node, path, value, want string, args ...any) {
	p := Problem{File: d.file, Key: path, Value: value, Want: fmt.Sprintf(want, args...)}
	p.Line, p.Column = position(n)
	d.problems = append(d.problems, p)
}

// value decodes n into v. A key with nothing behind it counts as left out.
func (d *decoder) value(n ast.Node, v reflect.Value, path string) {
	if a, ok := n.(*ast.AnchorNode); ok {
		d.value(a.Value, v, path)
		d.anchors[a.Name.GetToken().Value] = a.Value
		return
	}
	n = d.resolve(n, path)
	if n == nil {
		return
	}
	if d.nodes++; d.nodes > maxNodes {
		if d.nodes == maxNodes+1 {
			d.problem(n, path, "", "want a file that unfolds to fewer than %d values", maxNodes)
		}
		return
	}
	d.note(n, path)
	switch {
	case n.Type() == ast.NullType:
	case v.Kind() == reflect.Pointer:
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
			defaults(v.Elem())
		}
		d.value(n, v.Elem(), path)
	case isScalar(v.Type()):
		d.scalar(n, v, path)
	case v.Kind() == reflect.Struct:
		d.structure(n, v, path)
	case v.Kind() == reflect.Map:
		d.mapping(n, v, path)
	case v.Kind() == reflect.Slice:
		d.list(n, v, path)
	case v.Kind() == reflect.Interface && v.NumMethod() == 0:
		if plain := d.plain(n, path); plain != nil {
			v.Set(reflect.ValueOf(plain))
		}
	default:
		panic(fmt.Sprintf("configs: %s: a configuration cannot hold a %s", path, v.Type()))
	}
}

// note remembers where path stands, for FieldErrors.
func (d *decoder) note(n ast.Node, path string) {
	line, column := position(n)
	text, _ := scalarText(n)
	d.at[path] = place{line, column, text}
}

// resolve follows aliases to the node that holds the value.
func (d *decoder) resolve(n ast.Node, path string) ast.Node {
	switch n := n.(type) {
	case *ast.AliasNode:
		name := n.Value.GetToken().Value
		target, ok := d.anchors[name]
		if !ok {
			d.problem(n, path, "*"+name, "want an anchor &%s that ends before this line", name)
			return nil
		}
		return d.resolve(target, path)
	case *ast.TagNode:
		d.problem(n, path, n.Start.Value, "want a value without a tag")
		return nil
	}
	return n
}

// pairs returns the entries of a mapping, merge keys unfolded behind the
// entries that stand there themselves. ok is false for anything else.
func (d *decoder) pairs(n ast.Node, path, want string) (list []*ast.MappingValueNode, ok bool) {
	switch n := n.(type) {
	case *ast.MappingValueNode:
		list = []*ast.MappingValueNode{n}
	case *ast.MappingNode:
		list = n.Values
	default:
		text, _ := scalarText(n)
		d.problem(n, path, text, "%s", want)
		return nil, false
	}
	var own, merged []*ast.MappingValueNode
	seen := map[string]int{}
	for _, p := range list {
		if p.Key.IsMergeKey() {
			if from := d.resolve(p.Value, path); from != nil {
				more, _ := d.pairs(from, path, "want <<: *anchor of a group of keys")
				merged = append(merged, more...)
			}
			continue
		}
		key := keyText(p)
		if line, twice := seen[key]; twice {
			text, _ := scalarText(p.Value)
			d.problem(p.Key, join(path, key), text, "want each key once, it stands in line %d already", line)
			continue
		}
		seen[key], _ = position(p.Key)
		own = append(own, p)
	}
	for _, p := range merged {
		if _, overridden := seen[keyText(p)]; !overridden {
			own = append(own, p)
		}
	}
	return own, true
}

func (d *decoder) structure(n ast.Node, v reflect.Value, path string) {
	known := fieldsOf(v)
	pairs, _ := d.pairs(n, path, "want a group of keys: "+strings.Join(known.names(), ", "))
	for _, p := range pairs {
		key := keyText(p)
		f, ok := known.find(key)
		if !ok {
			text, _ := scalarText(p.Value)
			d.problem(p.Key, join(path, key), text, "%s", Unknown(key, known.names()))
			continue
		}
		d.value(p.Value, f, join(path, key))
	}
}

func (d *decoder) mapping(n ast.Node, v reflect.Value, path string) {
	pairs, ok := d.pairs(n, path, "want a group of keys")
	if !ok {
		return
	}
	v.Set(reflect.MakeMapWithSize(v.Type(), len(pairs)))
	for _, p := range pairs {
		key := keyText(p)
		k := reflect.New(v.Type().Key()).Elem()
		if want := setScalar(k, key); want != "" {
			d.problem(p.Key, join(path, key), key, "%s", want)
			continue
		}
		e := reflect.New(v.Type().Elem()).Elem()
		defaults(e)
		d.value(p.Value, e, join(path, key))
		v.SetMapIndex(k, e)
	}
}

func (d *decoder) list(n ast.Node, v reflect.Value, path string) {
	seq, ok := n.(*ast.SequenceNode)
	if !ok {
		text, _ := scalarText(n)
		d.problem(n, path, text, "want a list: [a, b] or lines that begin with -")
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(seq.Values), len(seq.Values)))
	for i, item := range seq.Values {
		defaults(v.Index(i))
		d.value(item, v.Index(i), fmt.Sprintf("%s[%d]", path, i))
	}
}

// plain decodes n into maps, slices and scalars for a field of type any.
func (d *decoder) plain(n ast.Node, path string) any {
	switch n := n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		m := map[string]any{}
		d.mapping(n, reflect.ValueOf(&m).Elem(), path)
		return m
	case *ast.SequenceNode:
		var s []any
		d.list(n, reflect.ValueOf(&s).Elem(), path)
		return s
	case ast.ScalarNode:
		return n.GetValue()
	}
	return nil
}

// defaults lets an element of a list or map begin with its own defaults: a
// type with a method SetDefaults is asked before its keys are read.
func defaults(v reflect.Value) {
	if s, ok := v.Addr().Interface().(interface{ SetDefaults() }); ok {
		s.SetDefaults()
	}
}

// join appends a key to a path.
func join(path, key string) string {
	if path == "" || key == "" || strings.HasPrefix(key, "[") {
		return path + key
	}
	return path + "." + key
}

func keyText(p *ast.MappingValueNode) string {
	if s, ok := p.Key.(*ast.StringNode); ok {
		return s.Value
	}
	return p.Key.GetToken().Value
}

// position returns the line and column where n begins.
func position(n ast.Node) (line, column int) {
	var t *token.Token
	switch n := n.(type) {
	case *ast.MappingNode:
		if !n.IsFlowStyle && len(n.Values) > 0 {
			return position(n.Values[0].Key)
		}
		t = n.Start
	case *ast.MappingValueNode:
		return position(n.Key)
	case *ast.SequenceNode:
		t = n.Start
	default:
		t = n.GetToken()
	}
	if t == nil || t.Position == nil {
		return 0, 0
	}
	return t.Position.Line, t.Position.Column
}
