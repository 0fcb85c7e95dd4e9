package main

import (
	"fmt"
	"sort"
	"strings"
)

const tablesHead = `// Written by tools/kube-tables from k8s.io/api, apimachinery, client-go, apiextensions-apiserver, kube-aggregator and metrics
// (Apache License 2.0, The Kubernetes Authors; see NOTICE). Do not edit.

/**
 * The built-in kinds and their types, one line each; ` + "`parseTables`" + ` in tables.ts reads it and documents the columns.
 */
export const TABLES = ` + "`\n"

// tables writes the compact text: "kind", "enum" and "type" lines; a type's fields are indented below it.
func tables(m *model) string {
	var out strings.Builder
	out.WriteString(tablesHead)
	for _, k := range m.kinds {
		fmt.Fprintf(&out, "kind %s %s %s\n", orDash(k.gvk.Group)+"/"+k.gvk.Version, k.gvk.Kind, idOf(k.typ))
	}
	names := make([]string, 0, len(m.enums))
	for name := range m.enums {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		fmt.Fprintf(&out, "enum %s %s\n", name, strings.Join(m.enums[name], "|"))
	}
	types := append([]*typeFacts{}, m.types...)
	sort.Slice(types, func(i, j int) bool { return types[i].id < types[j].id })
	for _, t := range types {
		atomic := ""
		if t.atomic {
			atomic = " atomic"
		}
		fmt.Fprintf(&out, "type %s%s\n", t.id, atomic)
		for _, f := range t.fields {
			out.WriteString(" " + fieldLine(f) + "\n")
		}
	}
	out.WriteString("`;\n")
	return out.String()
}

func fieldLine(f fieldFacts) string {
	typ := f.typ.wrap + f.typ.base
	if f.typ.name != "" {
		typ += "~" + f.typ.name
	}
	parts := []string{f.json, orDash(strings.Join(f.proto, ".")), typ}
	add := func(key, value string) {
		if value != "" {
			parts = append(parts, key+value)
		}
	}
	switch {
	case f.omitEmpty:
		parts = append(parts, "?")
	case f.optional:
		parts = append(parts, "o")
	}
	add("k=", f.mergeKey)
	add("s=", f.strategy)
	if f.listType != "" && f.listType != "atomic" {
		add("l=", strings.Join(append([]string{f.listType}, f.listKeys...), ","))
	}
	add("m=", f.mapType)
	add("d=", f.defaultTo)
	return strings.Join(parts, " ")
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
