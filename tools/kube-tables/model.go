package main

import (
	"fmt"
	"reflect"
	"strings"
)

// model is everything that was read, before it is written down.
type model struct {
	kinds []kind
	types []*typeFacts
	enums map[string][]string
}

// typeFacts describes one struct. id is "<group folder>/<version>.<Name>", e.g. "core/v1.PodSpec".
type typeFacts struct {
	id     string
	atomic bool
	isKind bool
	fields []fieldFacts
	goType reflect.Type
}

// fieldFacts describes one JSON field; inline embeddings are flattened and keep the path of protobuf numbers.
type fieldFacts struct {
	json      string
	proto     []string
	typ       typeRef
	omitEmpty bool
	optional  bool
	mergeKey  string
	strategy  string
	listType  string
	listKeys  []string
	mapType   string
	defaultTo string
}

// typeRef is a Go type as the tables spell it: wrappers ("*", "[]", "{}") around a base.
type typeRef struct {
	wrap string
	base string
	// name is the Go type of a named string, for enums and messages.
	name string
}

// special maps Go types with a JSON form of their own to the name of that form.
var special = map[string]string{
	"k8s.io/apimachinery/pkg/apis/meta/v1.Time":                                             "Time",
	"k8s.io/apimachinery/pkg/apis/meta/v1.MicroTime":                                        "MicroTime",
	"k8s.io/apimachinery/pkg/apis/meta/v1.Duration":                                         "Duration",
	"k8s.io/apimachinery/pkg/apis/meta/v1.FieldsV1":                                         "FieldsV1",
	"k8s.io/apimachinery/pkg/api/resource.Quantity":                                         "Quantity",
	"k8s.io/apimachinery/pkg/util/intstr.IntOrString":                                       "IntOrString",
	"k8s.io/apimachinery/pkg/runtime.RawExtension":                                          "Raw",
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1.JSON":                         "JSON",
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1.JSONSchemaPropsOrBool":        "SchemaOrBool",
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1.JSONSchemaPropsOrArray":       "SchemaOrArray",
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1.JSONSchemaPropsOrStringArray": "SchemaOrStrings",
	"k8s.io/api/authentication/v1.ExtraValue":                                               "Strings",
	"k8s.io/api/authorization/v1.ExtraValue":                                                "Strings",
	"k8s.io/api/certificates/v1.ExtraValue":                                                 "Strings",
}

func idOf(t reflect.Type) string {
	parts := strings.Split(t.PkgPath(), "/")
	return strings.Join(parts[len(parts)-2:], "/") + "." + t.Name()
}

// readModel walks every type reachable from the known kinds.
func readModel() (*model, error) {
	m := &model{kinds: knownKinds()}
	markers := newMarkers()
	merge, err := readMergeRules()
	if err != nil {
		return nil, err
	}
	seen := map[reflect.Type]bool{}
	var walk func(t reflect.Type) error
	walk = func(t reflect.Type) error {
		for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
			t = t.Elem()
		}
		if t.Kind() != reflect.Struct || seen[t] || special[t.PkgPath()+"."+t.Name()] != "" {
			return nil
		}
		seen[t] = true
		facts := &typeFacts{id: idOf(t), goType: t}
		fields, err := readFields(t, nil, markers)
		if err != nil {
			return err
		}
		facts.fields = fields
		merge.apply(facts)
		m.types = append(m.types, facts)
		for i := 0; i < t.NumField(); i++ {
			if err := walk(t.Field(i).Type); err != nil {
				return err
			}
		}
		return nil
	}
	isKind := map[string]bool{}
	for _, k := range m.kinds {
		isKind[idOf(k.typ)] = true
		if err := walk(k.typ); err != nil {
			return nil, err
		}
	}
	for _, t := range m.types {
		t.isKind = isKind[t.id]
	}
	// The roots of JSON Schema hide behind types with a JSON form of their own.
	m.enums = markers.enums(m.types)
	return m, nil
}

func readFields(t reflect.Type, path []string, markers *markers) ([]fieldFacts, error) {
	var fields []fieldFacts
	for i := 0; i < t.NumField(); i++ {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "-" || !f.IsExported() {
			continue
		}
		number := ""
		if parts := strings.Split(f.Tag.Get("protobuf"), ","); len(parts) > 1 {
			number = parts[1]
		}
		if f.Anonymous && name == "" {
			here := path
			if number != "" {
				here = append(append([]string{}, path...), number)
			}
			inner, err := readFields(f.Type, here, markers)
			if err != nil {
				return nil, err
			}
			fields = append(fields, inner...)
			continue
		}
		ref, err := refOf(f.Type)
		if err != nil {
			return nil, fmt.Errorf("%s.%s: %w", t, f.Name, err)
		}
		omitEmpty := strings.Contains(options, "omitempty") || strings.Contains(options, "omitzero")
		field := fieldFacts{json: name, typ: ref, omitEmpty: omitEmpty, mergeKey: f.Tag.Get("patchMergeKey"),
			strategy: f.Tag.Get("patchStrategy"), optional: omitEmpty || markers.optional(t, f.Name)}
		if number != "" {
			field.proto = append(append([]string{}, path...), number)
		}
		fields = append(fields, field)
	}
	return fields, nil
}

func refOf(t reflect.Type) (typeRef, error) {
	if name := special[t.PkgPath()+"."+t.Name()]; name != "" {
		return typeRef{base: name}, nil
	}
	wrapped := func(wrap string) (typeRef, error) {
		inner, err := refOf(t.Elem())
		inner.wrap = wrap + inner.wrap
		return inner, err
	}
	switch t.Kind() {
	case reflect.Pointer:
		return wrapped("*")
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return typeRef{base: "bytes"}, nil
		}
		return wrapped("[]")
	case reflect.Map:
		return wrapped("{}")
	case reflect.Struct:
		return typeRef{base: idOf(t)}, nil
	case reflect.String:
		if t.PkgPath() != "" {
			return typeRef{base: "string", name: idOf(t)}, nil
		}
		return typeRef{base: "string"}, nil
	case reflect.Bool:
		return typeRef{base: "bool"}, nil
	case reflect.Int32:
		return typeRef{base: "i32"}, nil
	case reflect.Int64:
		return typeRef{base: "i64"}, nil
	case reflect.Float64:
		return typeRef{base: "f64"}, nil
	}
	return typeRef{}, fmt.Errorf("no table form for Go type %s", t)
}
