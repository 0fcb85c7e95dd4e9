package main

import (
	"encoding/json"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apiextensions "k8s.io/apiextensions-apiserver/pkg/generated/openapi"
	"k8s.io/client-go/applyconfigurations"
	"k8s.io/client-go/kubernetes/scheme"
	aggregator "k8s.io/kube-aggregator/pkg/generated/openapi"
	"k8s.io/kube-openapi/pkg/common"
	"k8s.io/kube-openapi/pkg/validation/spec"
	smd "sigs.k8s.io/structured-merge-diff/v6/schema"
)

// mergeRules are the list and map rules of server-side apply, from client-go's schema for the groups it knows and from the
// published OpenAPI extensions for apiextensions and apiregistration.
type mergeRules struct {
	fields map[string]map[string]fieldRule
	atomic map[string]bool
}

type fieldRule struct {
	listType  string
	listKeys  []string
	mapType   string
	defaultTo string
}

func readMergeRules() (*mergeRules, error) {
	rules := &mergeRules{fields: map[string]map[string]fieldRule{}, atomic: map[string]bool{}}
	pod := &corev1.Pod{}
	pod.APIVersion, pod.Kind = "v1", "Pod"
	typed, err := applyconfigurations.NewTypeConverter(scheme.Scheme).ObjectToTyped(pod)
	if err != nil {
		return nil, err
	}
	for _, t := range typed.Schema().Types {
		if t.Map != nil && strings.HasPrefix(t.Name, "io.k8s.") {
			rules.readSchema(t)
		}
	}
	reference := func(path string) spec.Ref { return spec.MustCreateRef("#/" + path) }
	for name, definition := range apiextensions.GetOpenAPIDefinitions(reference) {
		if strings.Contains(name, "pkg/apis/apiextensions/v1.") {
			rules.readOpenAPI(name, definition)
		}
	}
	for name, definition := range aggregator.GetOpenAPIDefinitions(reference) {
		if strings.Contains(name, "pkg/apis/apiregistration/v1.") {
			rules.readOpenAPI(name, definition)
		}
	}
	return rules, nil
}

// shortID turns "io.k8s.api.core.v1.PodSpec" into "core/v1.PodSpec".
func shortID(name string) string {
	parts := strings.Split(name, ".")
	n := len(parts)
	return parts[n-3] + "/" + parts[n-2] + "." + parts[n-1]
}

func (r *mergeRules) readSchema(t smd.TypeDef) {
	id := shortID(t.Name)
	r.atomic[id] = t.Map.ElementRelationship == smd.Atomic
	fields := map[string]fieldRule{}
	for _, f := range t.Map.Fields {
		rule := fieldRule{}
		if list := f.Type.Inlined.List; list != nil {
			rule.listKeys = list.Keys
			switch {
			case list.ElementRelationship == smd.Associative && len(list.Keys) > 0:
				rule.listType = "map"
			case list.ElementRelationship == smd.Associative:
				rule.listType = "set"
			default:
				rule.listType = "atomic"
			}
		}
		if m := f.Type.Inlined.Map; m != nil && m.ElementRelationship == smd.Atomic {
			rule.mapType = "atomic"
		}
		if override := f.Type.ElementRelationship; override != nil && *override == smd.Atomic {
			rule.mapType = "atomic"
		}
		rule.defaultTo = encode(f.Default)
		fields[f.Name] = rule
	}
	r.fields[id] = fields
}

func (r *mergeRules) readOpenAPI(name string, definition common.OpenAPIDefinition) {
	path := strings.Split(name, "/")
	id := path[len(path)-2] + "/" + path[len(path)-1]
	fields := map[string]fieldRule{}
	for field, property := range definition.Schema.Properties {
		rule := fieldRule{defaultTo: encode(property.Default)}
		rule.listType, _ = property.Extensions.GetString("x-kubernetes-list-type")
		rule.listKeys, _ = property.Extensions.GetStringSlice("x-kubernetes-list-map-keys")
		rule.mapType, _ = property.Extensions.GetString("x-kubernetes-map-type")
		fields[field] = rule
	}
	mapType, _ := definition.Schema.Extensions.GetString("x-kubernetes-map-type")
	r.atomic[id] = mapType == "atomic"
	r.fields[id] = fields
}

func encode(value any) string {
	if value == nil {
		return ""
	}
	if empty, ok := value.(map[any]any); ok && len(empty) == 0 {
		return "{}"
	}
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func (r *mergeRules) apply(t *typeFacts) {
	t.atomic = r.atomic[t.id]
	for i := range t.fields {
		f := &t.fields[i]
		rule := r.fields[t.id][f.json]
		f.listType, f.listKeys, f.mapType = rule.listType, rule.listKeys, rule.mapType
		zero := rule.defaultTo == `""` || rule.defaultTo == "0" || rule.defaultTo == "{}" || rule.defaultTo == "false"
		if !zero || f.optional {
			f.defaultTo = rule.defaultTo
		}
	}
}
