package main

import (
	"fmt"
	"os"
	"regexp"
	"sort"
	"strings"
)

const typesHead = `// Written by tools/kube-tables from k8s.io/api, apimachinery, client-go, apiextensions-apiserver, kube-aggregator and metrics
// (Apache License 2.0, The Kubernetes Authors; see NOTICE). Do not edit.
`

var exported = regexp.MustCompile(`(?m)^export (?:interface|type) (\w+)`)

// exportedNames lists the types that a hand-written file already declares; they are imported instead of generated.
func exportedNames(file string) (map[string]bool, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	names := map[string]bool{}
	for _, match := range exported.FindAllStringSubmatch(string(text), -1) {
		names[match[1]] = true
	}
	return names, nil
}

// jsonForms are the TypeScript types of values with a JSON form of their own.
var jsonForms = map[string]string{
	"Time": "Time", "MicroTime": "Time", "Duration": "Duration", "Quantity": "Quantity", "IntOrString": "IntOrString",
	"Raw": "Record<string, unknown>", "FieldsV1": "Record<string, unknown>", "JSON": "unknown", "Strings": "string[]",
	"SchemaOrBool": "JSONSchemaProps | boolean", "SchemaOrArray": "JSONSchemaProps | JSONSchemaProps[]",
	"SchemaOrStrings": "JSONSchemaProps | string[]", "string": "string", "bytes": "string", "bool": "boolean",
	"i32": "number", "i64": "number", "f64": "number",
}

const scalarForms = `
/** A port or a count: a number, or a name or percentage. */
export type IntOrString = number | string;
/** E.g. ` + "`500m`, `128Mi`" + `. */
export type Quantity = string;
/** RFC 3339, e.g. ` + "`2025-01-02T03:04:05Z`" + `; MicroTime fields carry exactly six decimals. */
export type Time = string;
/** Go duration, e.g. ` + "`1m30s`" + `. */
export type Duration = string;
`

func typescript(m *model, shared map[string]bool) string {
	names := nameTypes(m, shared)
	var body strings.Builder
	used := map[string]bool{}
	for _, t := range inGroupOrder(m.types) {
		if strings.HasPrefix(t.id, "meta/v1.") && shared[t.goType.Name()] {
			continue
		}
		fmt.Fprintf(&body, "\n/** %s */\nexport interface %s {\n", t.id, names[t.id])
		for _, f := range t.fields {
			typ := tsType(f.typ, names)
			for _, word := range regexp.MustCompile(`\w+`).FindAllString(typ, -1) {
				if shared[word] {
					used[word] = true
				}
			}
			mark := ""
			if f.optional && !(t.isKind && f.json == "metadata") {
				mark = "?"
			}
			fmt.Fprintf(&body, "  %s%s: %s;\n", propertyName(f.json), mark, typ)
		}
		body.WriteString("}\n")
	}
	imports := make([]string, 0, len(used))
	for name := range used {
		imports = append(imports, name)
	}
	sort.Strings(imports)
	return typesHead + fmt.Sprintf("import type { %s } from './meta.ts';\n", strings.Join(imports, ", ")) + scalarForms + body.String()
}

func propertyName(name string) string {
	if strings.HasPrefix(name, "$") || regexp.MustCompile(`^\w+$`).MatchString(name) {
		return name
	}
	return "'" + name + "'"
}

// nameTypes gives each type its TypeScript name: the Go name, prefixed where an earlier group has taken it.
func nameTypes(m *model, shared map[string]bool) map[string]string {
	taken := map[string]bool{"IntOrString": true, "Quantity": true, "Time": true, "Duration": true}
	for name := range shared {
		taken[name] = true
	}
	names := map[string]string{}
	for _, t := range inGroupOrder(m.types) {
		name := t.goType.Name()
		if strings.HasPrefix(t.id, "meta/v1.") && shared[name] {
			names[t.id] = name
			continue
		}
		if taken[name] {
			name = prefixOf(t.id) + name
		}
		taken[name] = true
		names[t.id] = name
	}
	return names
}

func prefixOf(id string) string {
	if i := groupIndex(id); i < len(groupVersions) {
		return groupVersions[i].prefix
	}
	return "Meta"
}

func groupIndex(id string) int {
	folder, _, _ := strings.Cut(id, ".")
	for i, gv := range groupVersions {
		group, _, _ := strings.Cut(gv.group, ".")
		if group == "" {
			group = "core"
		}
		if folder == group+"/"+gv.version {
			return i
		}
	}
	return len(groupVersions)
}

func inGroupOrder(types []*typeFacts) []*typeFacts {
	sorted := append([]*typeFacts{}, types...)
	sort.Slice(sorted, func(i, j int) bool {
		a, b := groupIndex(sorted[i].id), groupIndex(sorted[j].id)
		if a != b {
			return a < b
		}
		return sorted[i].id < sorted[j].id
	})
	return sorted
}

func tsType(ref typeRef, names map[string]string) string {
	base := jsonForms[ref.base]
	if base == "" {
		base = names[ref.base]
	}
	wrap := strings.ReplaceAll(ref.wrap, "*", "")
	for len(wrap) > 0 {
		last := wrap[len(wrap)-2:]
		wrap = wrap[:len(wrap)-2]
		switch {
		case last == "{}":
			base = "Record<string, " + base + ">"
		case strings.Contains(base, " | "):
			base = "(" + base + ")[]"
		default:
			base += "[]"
		}
	}
	return base
}
