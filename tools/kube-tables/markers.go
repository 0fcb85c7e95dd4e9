package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os/exec"
	"path/filepath"
	"reflect"
	"sort"
	"strconv"
	"strings"
)

// markers answers questions that only the source's comments can: which fields are `+optional`, which strings are `+enum`.
type markers struct {
	packages map[string]*packageMarkers
}

type packageMarkers struct {
	optional map[string]bool
	enum     map[string]bool
	values   map[string][]string
}

func newMarkers() *markers { return &markers{packages: map[string]*packageMarkers{}} }

func (m *markers) optional(t reflect.Type, field string) bool {
	return m.of(t.PkgPath()).optional[t.Name()+"."+field]
}

// elsewhere lists enums whose constants are spelled by reference to another package's, which a look at the syntax cannot see.
var elsewhere = map[string][]string{"discovery/v1.AddressType": {"FQDN", "IPv4", "IPv6"}}

// enums returns the allowed values of every `+enum` string type that a field refers to, by type id, sorted.
func (m *markers) enums(types []*typeFacts) map[string][]string {
	found := map[string][]string{}
	for _, t := range types {
		for i := 0; i < t.goType.NumField(); i++ {
			ft := t.goType.Field(i).Type
			for ft.Kind() == reflect.Pointer || ft.Kind() == reflect.Slice {
				ft = ft.Elem()
			}
			if ft.Kind() != reflect.String || ft.PkgPath() == "" {
				continue
			}
			if values := elsewhere[idOf(ft)]; values != nil {
				found[idOf(ft)] = values
				continue
			}
			p := m.of(ft.PkgPath())
			if p.enum[ft.Name()] {
				values := append([]string{}, p.values[ft.Name()]...)
				sort.Strings(values)
				found[idOf(ft)] = values
			}
		}
	}
	return found
}

func (m *markers) of(pkg string) *packageMarkers {
	if p := m.packages[pkg]; p != nil {
		return p
	}
	p := &packageMarkers{optional: map[string]bool{}, enum: map[string]bool{}, values: map[string][]string{}}
	m.packages[pkg] = p
	dir, err := exec.Command("go", "list", "-f", "{{.Dir}}", pkg).Output()
	if err != nil {
		panic(err)
	}
	files, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(dir)), "*.go"))
	if err != nil {
		panic(err)
	}
	for _, file := range files {
		if strings.HasPrefix(filepath.Base(file), "zz_") || strings.HasSuffix(file, ".pb.go") || strings.HasSuffix(file, "_test.go") {
			continue
		}
		p.read(file)
	}
	return p
}

func (p *packageMarkers) read(file string) {
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
	if err != nil {
		panic(err)
	}
	for _, decl := range parsed.Decls {
		general, ok := decl.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, spec := range general.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				p.readType(spec, marked(general.Doc, "+enum") || marked(spec.Doc, "+enum"))
			case *ast.ValueSpec:
				p.readConst(spec)
			}
		}
	}
}

func (p *packageMarkers) readType(spec *ast.TypeSpec, enum bool) {
	if enum {
		p.enum[spec.Name.Name] = true
	}
	body, ok := spec.Type.(*ast.StructType)
	if !ok {
		return
	}
	for _, field := range body.Fields.List {
		for _, name := range field.Names {
			if marked(field.Doc, "+optional") {
				p.optional[spec.Name.Name+"."+name.Name] = true
			}
		}
	}
}

// readConst notes typed string constants, written `X T = "v"` or `X = T("v")`.
func (p *packageMarkers) readConst(spec *ast.ValueSpec) {
	typ, _ := spec.Type.(*ast.Ident)
	for _, value := range spec.Values {
		name := typ
		if call, ok := value.(*ast.CallExpr); ok && len(call.Args) == 1 {
			name, _ = call.Fun.(*ast.Ident)
			value = call.Args[0]
		}
		literal, ok := value.(*ast.BasicLit)
		if !ok || name == nil || literal.Kind != token.STRING {
			continue
		}
		text, err := strconv.Unquote(literal.Value)
		if err != nil {
			panic(err)
		}
		p.values[name.Name] = append(p.values[name.Name], text)
	}
}

func marked(doc *ast.CommentGroup, marker string) bool {
	if doc == nil {
		return false
	}
	for _, line := range doc.List {
		if strings.HasPrefix(strings.TrimSpace(strings.TrimPrefix(line.Text, "//")), marker) {
			return true
		}
	}
	return false
}
