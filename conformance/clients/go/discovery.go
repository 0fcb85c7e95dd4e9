package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apiextensions "k8s.io/apiextensions-apiserver/pkg/client/clientset/clientset"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/scale"
)

var discoveries = []check{
	{"aggregated and old discovery tell the same", sameDiscovery},
	{"a definition is discovered, mapped and served at once, and gone when it is", customKind},
	{"OpenAPI documents are there in version 3 and, as protobuf, in version 2", openAPI},
	{"the server tells a version that clients can read", serverVersion},
}

func sameDiscovery(_ context.Context, config *rest.Config) error {
	client, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return err
	}
	_, aggregated, err := client.ServerGroupsAndResources()
	if err != nil {
		return err
	}
	old := client.WithLegacy()
	_, plain, err := old.ServerGroupsAndResources()
	if err != nil {
		return err
	}
	names := func(lists []*metav1.APIResourceList) map[string]string {
		found := map[string]string{}
		for _, list := range lists {
			for _, r := range list.APIResources {
				if strings.Contains(r.Name, "/") {
					// The client gives subresources the singular name of their parent, old discovery gives them none.
					r.SingularName = ""
				}
				found[list.GroupVersion+"/"+r.Name] = fmt.Sprint(r.Kind, r.Namespaced, r.Verbs, r.ShortNames, r.Categories, r.SingularName)
			}
		}
		return found
	}
	one, two := names(aggregated), names(plain)
	for name, resource := range two {
		if err := want(name, one[name], resource); err != nil {
			return err
		}
	}
	return all(want("resources", len(one), len(two)), want("deployments", one["apps/v1/deployments"] != "", true))
}

func widgets(group string) *apiextensionsv1.CustomResourceDefinition {
	preserve := true
	selector := ".status.selector"
	return &apiextensionsv1.CustomResourceDefinition{
		ObjectMeta: metav1.ObjectMeta{Name: "widgets." + group},
		Spec: apiextensionsv1.CustomResourceDefinitionSpec{
			Group: group, Scope: apiextensionsv1.NamespaceScoped,
			Names: apiextensionsv1.CustomResourceDefinitionNames{Plural: "widgets", Singular: "widget", Kind: "Widget", ListKind: "WidgetList", ShortNames: []string{"wd"}},
			Versions: []apiextensionsv1.CustomResourceDefinitionVersion{{
				Name: "v1", Served: true, Storage: true,
				Subresources: &apiextensionsv1.CustomResourceSubresources{
					Status: &apiextensionsv1.CustomResourceSubresourceStatus{},
					Scale:  &apiextensionsv1.CustomResourceSubresourceScale{SpecReplicasPath: ".spec.size", StatusReplicasPath: ".status.size", LabelSelectorPath: &selector},
				},
				SelectableFields: []apiextensionsv1.SelectableField{{JSONPath: ".spec.color"}},
				Schema: &apiextensionsv1.CustomResourceValidation{OpenAPIV3Schema: &apiextensionsv1.JSONSchemaProps{
					Type: "object",
					Properties: map[string]apiextensionsv1.JSONSchemaProps{
						"spec": {Type: "object", Properties: map[string]apiextensionsv1.JSONSchemaProps{
							"size": {Type: "integer"}, "color": {Type: "string", Default: &apiextensionsv1.JSON{Raw: []byte(`"red"`)}},
						}},
						"status": {Type: "object", XPreserveUnknownFields: &preserve},
					},
				}},
			}},
		},
	}
}

func customKind(ctx context.Context, config *rest.Config) error {
	const group = "check.example.com"
	definitions, err := apiextensions.NewForConfig(config)
	if err != nil {
		return err
	}
	crds := definitions.ApiextensionsV1().CustomResourceDefinitions()
	if _, err := crds.Create(ctx, widgets(group), metav1.CreateOptions{}); err != nil {
		return err
	}
	defer crds.Delete(context.Background(), "widgets."+group, metav1.DeleteOptions{})
	client, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return err
	}
	mapper := restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(client))
	mapping, err := mapper.RESTMapping(schema.GroupKind{Group: group, Kind: "Widget"})
	if err != nil {
		return err
	}
	short, err := restmapper.NewShortcutExpander(mapper, client, nil).ResourceFor(schema.GroupVersionResource{Resource: "wd"})
	if err := all(err, want("short name", short.Resource, "widgets"), want("scope", mapping.Scope.Name(), meta.RESTScopeNameNamespace)); err != nil {
		return err
	}
	dynamicClient, err := dynamic.NewForConfig(config)
	if err != nil {
		return err
	}
	objects := dynamicClient.Resource(mapping.Resource).Namespace("default")
	widget := &unstructured.Unstructured{Object: map[string]any{"apiVersion": group + "/v1", "kind": "Widget", "metadata": map[string]any{"name": "w"}, "spec": map[string]any{"size": int64(1), "extra": true}}}
	made, err := objects.Create(ctx, widget, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	color, _, _ := unstructured.NestedString(made.Object, "spec", "color")
	_, extra, _ := unstructured.NestedBool(made.Object, "spec", "extra")
	unconditional := made.DeepCopy()
	unconditional.SetResourceVersion("")
	_, refused := objects.Update(ctx, unconditional, metav1.UpdateOptions{})
	_, strategic := objects.Patch(ctx, "w", types.StrategicMergePatchType, []byte(`{}`), metav1.PatchOptions{})
	red, err := objects.List(ctx, metav1.ListOptions{FieldSelector: "spec.color=red"})
	if err != nil {
		return err
	}
	applied, err := objects.Apply(ctx, "w", &unstructured.Unstructured{Object: map[string]any{"apiVersion": group + "/v1", "kind": "Widget", "metadata": map[string]any{"name": "w"}, "spec": map[string]any{"color": "blue"}}}, metav1.ApplyOptions{FieldManager: "painter", Force: true})
	if err != nil {
		return err
	}
	blue, _, _ := unstructured.NestedString(applied.Object, "spec", "color")
	resolver := scale.NewDiscoveryScaleKindResolver(client)
	scales, err := scale.NewForConfig(config, mapper, dynamic.LegacyAPIPathResolverFunc, resolver)
	if err != nil {
		return err
	}
	size, err := scales.Scales("default").Get(ctx, mapping.Resource.GroupResource(), "w", metav1.GetOptions{})
	if err != nil {
		return err
	}
	size.Spec.Replicas = 4
	if size, err = scales.Scales("default").Update(ctx, mapping.Resource.GroupResource(), size, metav1.UpdateOptions{}); err != nil {
		return err
	}
	if err := all(
		want("default", color, "red"), want("pruned", extra, false), want("revision asked for", apierrors.IsInvalid(refused), true),
		want("no strategic merge", apierrors.IsUnsupportedMediaType(strategic), true), want("selected", len(red.Items), 1), want("applied", blue, "blue"), want("scaled", size.Spec.Replicas, 4),
	); err != nil {
		return err
	}
	if err := crds.Delete(ctx, "widgets."+group, metav1.DeleteOptions{}); err != nil {
		return err
	}
	return eventually(ctx, 10*time.Second, func() error {
		_, err := client.ServerResourcesForGroupVersion(group + "/v1")
		return want("gone", apierrors.IsNotFound(err), true)
	})
}

func openAPI(ctx context.Context, config *rest.Config) error {
	client, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return err
	}
	paths, err := client.OpenAPIV3().Paths()
	if err != nil {
		return err
	}
	for _, name := range []string{"api/v1", "apis/apps/v1", "apis/apiextensions.k8s.io/v1"} {
		document, found := paths[name]
		if !found {
			return fmt.Errorf("no document %s", name)
		}
		text, err := document.Schema("application/json")
		if err := all(err, want(name+" has paths", strings.Contains(string(text), `"paths":{`), true), want("patches", strings.Contains(string(text), "fieldValidation"), true)); err != nil {
			return err
		}
		binary, err := document.Schema("application/com.github.proto-openapi.spec.v3@v1.0+protobuf")
		if err == nil && len(binary) == 0 {
			return fmt.Errorf("%s: an empty protobuf document", name)
		}
	}
	old, err := client.OpenAPISchema()
	if err != nil {
		return err
	}
	return want("definitions", len(old.GetDefinitions().GetAdditionalProperties()) > 100, true)
}

func serverVersion(_ context.Context, config *rest.Config) error {
	client, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return err
	}
	version, err := client.ServerVersion()
	if err != nil {
		return err
	}
	status := 0
	client.RESTClient().Get().AbsPath("/readyz").Do(context.Background()).StatusCode(&status)
	return all(want("major", version.Major, "1"), want("form", strings.HasPrefix(version.GitVersion, "v1."), true), want("ready", status, http.StatusOK))
}
