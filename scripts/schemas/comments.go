package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"strings"
)

// comments reads what the source says of a struct's fields.
type comments struct {
	dir   string                       // of the module
	known map[string]map[string]string // package path -> "Type.Field" -> comment
}

// of returns the comments of t's fields by name.
func (c comments) of(t reflect.Type) (map[string]string, error) {
	all, ok := c.known[t.PkgPath()]
	if !ok {
		all = map[string]string{}
		c.known[t.PkgPath()] = all
		if err := c.read(t.PkgPath(), all); err != nil {
			return nil, err
		}
	}
	said := map[string]string{}
	for name, text := range all {
		if field, ok := strings.CutPrefix(name, t.Name()+"."); ok {
			said[field] = text
		}
	}
	return said, nil
}

// read parses the package's files.
func (c comments) read(pkg string, into map[string]string) error {
	dir := filepath.Join(c.dir, strings.TrimPrefix(pkg, "gridhub/"))
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(files) == 0 {
		return fmt.Errorf("no source in %s: %w", dir, os.ErrNotExist)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if spec, ok := n.(*ast.TypeSpec); ok {
				note(spec, into)
			}
			return true
		})
	}
	return nil
}

// note keeps the comments of one type's fields: the one behind a field, else
// the one above it.
func note(spec *ast.TypeSpec, into map[string]string) {
	s, ok := spec.Type.(*ast.StructType)
	if !ok {
		return
	}
	for _, f := range s.Fields.List {
		text := strings.TrimSpace(f.Comment.Text())
		if text == "" {
			text = strings.TrimSpace(f.Doc.Text())
		}
		text = strings.ReplaceAll(text, "\n", " ")
		for _, name := range f.Names {
			into[spec.Name.Name+"."+name.Name] = text
		}
	}
}
