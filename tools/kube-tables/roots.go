package main

import (
	"reflect"
	"sort"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	admissionv1 "k8s.io/api/admission/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/client-go/kubernetes/scheme"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	metricsv1beta1 "k8s.io/metrics/pkg/apis/metrics/v1beta1"
)

// groupVersions are those a lab cluster serves, in the order in which TypeScript names are given out: where two groups use
// one name, the first keeps it and the later one gets its prefix.
var groupVersions = []struct{ group, version, prefix string }{
	{"", "v1", ""},
	{"apps", "v1", "Apps"},
	{"batch", "v1", "Batch"},
	{"autoscaling", "v2", "Autoscaling"},
	{"autoscaling", "v1", "AutoscalingV1"},
	{"policy", "v1", "Policy"},
	{"networking.k8s.io", "v1", "Networking"},
	{"discovery.k8s.io", "v1", "Discovery"},
	{"coordination.k8s.io", "v1", "Coordination"},
	{"events.k8s.io", "v1", "Events"},
	{"rbac.authorization.k8s.io", "v1", "Rbac"},
	{"authentication.k8s.io", "v1", "Authentication"},
	{"authorization.k8s.io", "v1", "Authorization"},
	{"apiextensions.k8s.io", "v1", "Apiextensions"},
	{"admissionregistration.k8s.io", "v1", "Admissionregistration"},
	{"apiregistration.k8s.io", "v1", "Apiregistration"},
	{"storage.k8s.io", "v1", "Storage"},
	{"scheduling.k8s.io", "v1", "Scheduling"},
	{"certificates.k8s.io", "v1", "Certificates"},
	{"node.k8s.io", "v1", "Node"},
	{"admission.k8s.io", "v1", "Admission"},
	{"metrics.k8s.io", "v1beta1", "Metrics"},
}

// metaRoots are the shared types that travel on their own.
var metaRoots = []any{metav1.DeleteOptions{}, metav1.Status{}, metav1.ObjectMeta{}, metav1.ListMeta{}, metav1.LabelSelector{},
	metav1.CreateOptions{}, metav1.UpdateOptions{}, metav1.PatchOptions{}, metav1.PartialObjectMetadata{}, metav1.TypeMeta{}}

type kind struct {
	gvk schema.GroupVersionKind
	typ reflect.Type
}

// knownKinds lists the kinds of the groups above, without lists and request options.
func knownKinds() []kind {
	s := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{scheme.AddToScheme, apiextensionsv1.AddToScheme,
		apiregistrationv1.AddToScheme, admissionv1.AddToScheme, metricsv1beta1.AddToScheme} {
		if err := add(s); err != nil {
			panic(err)
		}
	}
	var kinds []kind
	for _, gv := range groupVersions {
		var names []string
		known := s.KnownTypes(schema.GroupVersion{Group: gv.group, Version: gv.version})
		for name, typ := range known {
			_, isList := typ.FieldByName("Items")
			fromMeta := strings.HasSuffix(typ.PkgPath(), "meta/v1")
			if (isList && strings.HasSuffix(name, "List")) || fromMeta || strings.HasSuffix(name, "Options") {
				continue
			}
			names = append(names, name)
		}
		sort.Strings(names)
		for _, name := range names {
			kinds = append(kinds, kind{schema.GroupVersionKind{Group: gv.group, Version: gv.version, Kind: name}, known[name]})
		}
	}
	for _, root := range metaRoots {
		typ := reflect.TypeOf(root)
		kinds = append(kinds, kind{schema.GroupVersionKind{Group: "meta.k8s.io", Version: "v1", Kind: typ.Name()}, typ})
	}
	return kinds
}
