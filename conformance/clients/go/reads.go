package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/metadata/metadatainformer"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/pager"
	watchtools "k8s.io/client-go/tools/watch"
)

var configMaps = schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}

var reads = []check{
	{"typed informers sync on no objects and on many, and follow changes", inNamespace(typedInformer)},
	{"an informer that lists and watches instead of streaming its list sees the same", inNamespace(listInformer)},
	{"dynamic and metadata informers sync and follow", inNamespace(otherInformers)},
	{"a list comes in pages that agree with its first revision", inNamespace(pagedList)},
	{"resourceVersionMatch is honoured, and refused where it makes no sense", inNamespace(revisionMatch)},
	{"a watch gets bookmarks before it ends in time", inNamespace(bookmarks)},
	{"a watch from a revision gets what came after it, in order", inNamespace(watchFrom)},
	{"a watch from a revision of the future is told to wait", inNamespace(futureRevision)},
	{"objects that enter and leave a selector are added and deleted for its watch", inNamespace(selectorWatch)},
	{"field selectors choose by name, node, phase and type, and unknown ones are refused", inNamespace(fieldSelectors)},
	{"tables have columns and rows, with whole objects on demand, in watches too", inNamespace(tables)},
	{"a retrying watch goes on where it stopped", inNamespace(retryWatch)},
}

func typedInformer(ctx context.Context, _ *rest.Config, client *kubernetes.Clientset, ns string) error {
	return followInformer(ctx, client, ns)
}

// followInformer starts on no ConfigMaps, adds 300, and starts another one on these.
func followInformer(ctx context.Context, client kubernetes.Interface, ns string) error {
	const count = 300
	start := func(context context.Context) (cache.SharedIndexInformer, *atomic.Int64) {
		factory := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithNamespace(ns), informers.WithTweakListOptions(func(o *metav1.ListOptions) { o.LabelSelector = "app=check" }))
		informer := factory.Core().V1().ConfigMaps().Informer()
		events := &atomic.Int64{}
		informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
			AddFunc:    func(any) { events.Add(1) },
			UpdateFunc: func(any, any) { events.Add(1) },
			DeleteFunc: func(any) { events.Add(1) },
		})
		factory.Start(context.Done())
		return informer, events
	}
	inner, stop := context.WithCancel(ctx)
	defer stop()
	first, events := start(inner)
	if !cache.WaitForCacheSync(ctx.Done(), first.HasSynced) {
		return errors.New("did not sync on no objects")
	}
	for i := range count {
		if _, err := client.CoreV1().ConfigMaps(ns).Create(ctx, configMap(fmt.Sprintf("c%03d", i), nil), metav1.CreateOptions{}); err != nil {
			return err
		}
	}
	second, _ := start(inner)
	if !cache.WaitForCacheSync(ctx.Done(), second.HasSynced) {
		return errors.New("did not sync on many objects")
	}
	if err := want("objects of the second informer", len(second.GetStore().List()), count); err != nil {
		return err
	}
	if _, err := client.CoreV1().ConfigMaps(ns).Patch(ctx, "c000", "application/merge-patch+json", []byte(`{"data":{"a":"b"}}`), metav1.PatchOptions{}); err != nil {
		return err
	}
	if err := client.CoreV1().ConfigMaps(ns).Delete(ctx, "c001", metav1.DeleteOptions{}); err != nil {
		return err
	}
	return eventually(ctx, 10*time.Second, func() error {
		return all(want("events", events.Load(), count+2), want("objects", len(first.GetStore().List()), count-1))
	})
}

// plainLists turns streaming lists off as an older client-go does.
type plainLists struct{ http.RoundTripper }

func (p plainLists) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.URL.Query().Get("sendInitialEvents") != "" {
		return nil, apierrors.NewBadRequest("a streaming list was asked for")
	}
	return p.RoundTripper.RoundTrip(request)
}

func listInformer(ctx context.Context, config *rest.Config, _ *kubernetes.Clientset, ns string) error {
	var lists, watches atomic.Int64
	plain := rest.CopyConfig(config)
	plain.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return counting{plainLists{next}, &lists, &watches}
	})
	client, err := kubernetes.NewForConfig(plain)
	if err != nil {
		return err
	}
	source := cache.NewListWatchFromClient(client.CoreV1().RESTClient(), "configmaps", ns, everyField())
	store, controller := cache.NewInformerWithOptions(cache.InformerOptions{ListerWatcher: noStreaming{source}, ObjectType: &corev1.ConfigMap{}, Handler: cache.ResourceEventHandlerFuncs{}})
	go controller.RunWithContext(ctx)
	if !cache.WaitForCacheSync(ctx.Done(), controller.HasSynced) {
		return errors.New("did not sync")
	}
	if _, err := client.CoreV1().ConfigMaps(ns).Create(ctx, configMap("late", nil), metav1.CreateOptions{}); err != nil {
		return err
	}
	if err := eventually(ctx, 10*time.Second, func() error {
		_, found, _ := store.GetByKey(ns + "/late")
		return want("found", found, true)
	}); err != nil {
		return err
	}
	return all(want("lists", lists.Load() > 0, true), want("watches", watches.Load() > 0, true))
}

type counting struct {
	next           http.RoundTripper
	lists, watches *atomic.Int64
}

func (c counting) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.Method == http.MethodGet && strings.HasSuffix(request.URL.Path, "/configmaps") {
		if request.URL.Query().Get("watch") != "" {
			c.watches.Add(1)
		} else {
			c.lists.Add(1)
		}
	}
	return c.next.RoundTrip(request)
}

// noStreaming says that its source cannot stream lists.
type noStreaming struct{ *cache.ListWatch }

func (noStreaming) IsWatchListSemanticsUnSupported() bool { return true }

func otherInformers(ctx context.Context, config *rest.Config, client *kubernetes.Clientset, ns string) error {
	dynamicClient, err := dynamic.NewForConfig(config)
	if err != nil {
		return err
	}
	metadataClient, err := metadata.NewForConfig(config)
	if err != nil {
		return err
	}
	if _, err := client.CoreV1().ConfigMaps(ns).Create(ctx, configMap("early", map[string]string{"a": "b"}), metav1.CreateOptions{}); err != nil {
		return err
	}
	one := dynamicinformer.NewFilteredDynamicSharedInformerFactory(dynamicClient, 0, ns, nil).ForResource(configMaps).Informer()
	two := metadatainformer.NewFilteredSharedInformerFactory(metadataClient, 0, ns, nil).ForResource(configMaps).Informer()
	for _, informer := range []cache.SharedIndexInformer{one, two} {
		go informer.RunWithContext(ctx)
		if !cache.WaitForCacheSync(ctx.Done(), informer.HasSynced) {
			return errors.New("did not sync")
		}
	}
	if _, err := client.CoreV1().ConfigMaps(ns).Create(ctx, configMap("late", nil), metav1.CreateOptions{}); err != nil {
		return err
	}
	for _, informer := range []cache.SharedIndexInformer{one, two} {
		for _, name := range []string{"early", "late"} {
			if err := eventually(ctx, 10*time.Second, func() error {
				_, found, _ := informer.GetStore().GetByKey(ns + "/" + name)
				return want(name+" found", found, true)
			}); err != nil {
				return err
			}
		}
	}
	object, _, _ := two.GetStore().GetByKey(ns + "/early")
	partial, ok := object.(*metav1.PartialObjectMetadata)
	if !ok {
		return fmt.Errorf("a metadata informer holds %T", object)
	}
	return want("label", partial.Labels["app"], "check")
}

func pagedList(ctx context.Context, _ *rest.Config, client *kubernetes.Clientset, ns string) error {
	const count = 25
	for i := range count {
		if _, err := client.CoreV1().ConfigMaps(ns).Create(ctx, configMap(fmt.Sprintf("p%02d", i), nil), metav1.CreateOptions{}); err != nil {
			return err
		}
	}
	options := metav1.ListOptions{Limit: 10, LabelSelector: "app=check"}
	page, err := client.CoreV1().ConfigMaps(ns).List(ctx, options)
	if err != nil {
		return err
	}
	if err := all(want("items of a page", len(page.Items), 10), want("continue", page.Continue != "", true)); err != nil {
		return err
	}
	// What is made and gone between pages is in none of them.
	if _, err := client.CoreV1().ConfigMaps(ns).Create(ctx, configMap("p99", nil), metav1.CreateOptions{}); err != nil {
		return err
	}
	if err := client.CoreV1().ConfigMaps(ns).Delete(ctx, "p20", metav1.DeleteOptions{}); err != nil {
		return err
	}
	options.Continue = page.Continue
	seen := len(page.Items)
	for options.Continue != "" {
		next, err := client.CoreV1().ConfigMaps(ns).List(ctx, options)
		if err != nil {
			return err
		}
		if err := want("revision of a page", next.ResourceVersion, page.ResourceVersion); err != nil {
			return err
		}
		seen += len(next.Items)
		options.Continue = next.Continue
	}
	if err := want("items of all pages", seen, count); err != nil {
		return err
	}
	each := 0
	lister := pager.New(pager.SimplePageFunc(func(options metav1.ListOptions) (runtime.Object, error) {
		return client.CoreV1().ConfigMaps(ns).List(ctx, options)
	}))
	lister.PageSize = 7
	err = lister.EachListItem(ctx, metav1.ListOptions{LabelSelector: "app=check"}, func(runtime.Object) error { each++; return nil })
	if err := all(err, want("items of the pager", each, count)); err != nil {
		return err
	}
	_, err = client.CoreV1().ConfigMaps(ns).List(ctx, metav1.ListOptions{Continue: "nonsense", Limit: 1})
	return want("nonsense refused", apierrors.IsBadRequest(err), true)
}

func revisionMatch(ctx context.Context, _ *rest.Config, client *kubernetes.Clientset, ns string) error {
	first, err := client.CoreV1().ConfigMaps(ns).Create(ctx, configMap("one", nil), metav1.CreateOptions{})
	if err != nil {
		return err
	}
	if _, err := client.CoreV1().ConfigMaps(ns).Create(ctx, configMap("two", nil), metav1.CreateOptions{}); err != nil {
		return err
	}
	list := func(revision string, match metav1.ResourceVersionMatch) (*corev1.ConfigMapList, error) {
		return client.CoreV1().ConfigMaps(ns).List(ctx, metav1.ListOptions{ResourceVersion: revision, ResourceVersionMatch: match, LabelSelector: "app=check"})
	}
	exact, err := list(first.ResourceVersion, metav1.ResourceVersionMatchExact)
	if err != nil {
		return err
	}
	newer, err := list(first.ResourceVersion, metav1.ResourceVersionMatchNotOlderThan)
	if err != nil {
		return err
	}
	_, noRevision := list("", metav1.ResourceVersionMatchExact)
	_, zero := list("0", metav1.ResourceVersionMatchExact)
	_, other := list(first.ResourceVersion, "Maybe")
	return all(
		want("items at the revision", len(exact.Items), 1),
		want("revision of that list", exact.ResourceVersion, first.ResourceVersion),
		want("items not older", len(newer.Items), 2),
		want("no revision refused", apierrors.IsInvalid(noRevision), true),
		want("zero refused", apierrors.IsInvalid(zero), true),
		want("unknown match refused", apierrors.IsInvalid(other), true),
	)
}

func bookmarks(ctx context.Context, _ *rest.Config, client *kubernetes.Clientset, ns string) error {
	seconds := int64(3)
	watcher, err := client.CoreV1().ConfigMaps(ns).Watch(ctx, metav1.ListOptions{AllowWatchBookmarks: true, TimeoutSeconds: &seconds})
	if err != nil {
		return err
	}
	defer watcher.Stop()
	count := 0
	for event := range watcher.ResultChan() {
		if event.Type != watch.Bookmark {
			continue
		}
		count++
		object, ok := event.Object.(*corev1.ConfigMap)
		if !ok || object.ResourceVersion == "" {
			return fmt.Errorf("a bookmark of %T without revision", event.Object)
		}
	}
	return want("a bookmark came before the end", count > 0, true)
}

func watchFrom(ctx context.Context, _ *rest.Config, client *kubernetes.Clientset, ns string) error {
	first, err := client.CoreV1().ConfigMaps(ns).Create(ctx, configMap("one", nil), metav1.CreateOptions{})
	if err != nil {
		return err
	}
	for i := range 3 {
		body := []byte(`{"data":{"n":"` + strconv.Itoa(i) + `"}}`)
		if _, err := client.CoreV1().ConfigMaps(ns).Patch(ctx, "one", "application/merge-patch+json", body, metav1.PatchOptions{}); err != nil {
			return err
		}
	}
	watcher, err := client.CoreV1().ConfigMaps(ns).Watch(ctx, metav1.ListOptions{ResourceVersion: first.ResourceVersion, FieldSelector: "metadata.name=one"})
	if err != nil {
		return err
	}
	defer watcher.Stop()
	for i := range 3 {
		event := <-watcher.ResultChan()
		object, ok := event.Object.(*corev1.ConfigMap)
		if !ok || event.Type != watch.Modified {
			return fmt.Errorf("event %d: %s of %T", i, event.Type, event.Object)
		}
		if err := want("order", object.Data["n"], strconv.Itoa(i)); err != nil {
			return err
		}
	}
	return nil
}

func futureRevision(ctx context.Context, _ *rest.Config, client *kubernetes.Clientset, ns string) error {
	_, err := client.CoreV1().ConfigMaps(ns).List(ctx, metav1.ListOptions{ResourceVersion: "999999999", ResourceVersionMatch: metav1.ResourceVersionMatchNotOlderThan})
	return all(want("a timeout", apierrors.IsTimeout(err), true), want("its cause", apierrors.HasStatusCause(err, metav1.CauseTypeResourceVersionTooLarge), true))
}

func selectorWatch(ctx context.Context, _ *rest.Config, client *kubernetes.Clientset, ns string) error {
	watcher, err := client.CoreV1().ConfigMaps(ns).Watch(ctx, metav1.ListOptions{LabelSelector: "color=red"})
	if err != nil {
		return err
	}
	defer watcher.Stop()
	if _, err := client.CoreV1().ConfigMaps(ns).Create(ctx, configMap("one", nil), metav1.CreateOptions{}); err != nil {
		return err
	}
	for _, color := range []string{"red", "blue"} {
		body := []byte(`{"metadata":{"labels":{"color":"` + color + `"}}}`)
		if _, err := client.CoreV1().ConfigMaps(ns).Patch(ctx, "one", "application/merge-patch+json", body, metav1.PatchOptions{}); err != nil {
			return err
		}
	}
	for _, expected := range []watch.EventType{watch.Added, watch.Deleted} {
		select {
		case event := <-watcher.ResultChan():
			if err := want("event", event.Type, expected); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func fieldSelectors(ctx context.Context, _ *rest.Config, client *kubernetes.Clientset, ns string) error {
	for _, each := range []struct {
		name string
		kind corev1.SecretType
	}{{"a", corev1.SecretTypeOpaque}, {"b", "example.com/kind"}} {
		if _, err := client.CoreV1().Secrets(ns).Create(ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: each.name}, Type: each.kind}, metav1.CreateOptions{}); err != nil {
			return err
		}
	}
	count := func(selector string) (int, error) {
		list, err := client.CoreV1().Secrets(ns).List(ctx, metav1.ListOptions{FieldSelector: selector})
		if err != nil {
			return 0, err
		}
		return len(list.Items), nil
	}
	byType, err := count("type=example.com/kind")
	if err != nil {
		return err
	}
	byName, err := count("metadata.name=a,type!=example.com/kind")
	if err != nil {
		return err
	}
	_, unknown := count("data.x=y")
	pods, err := client.CoreV1().Pods("").List(ctx, metav1.ListOptions{FieldSelector: "spec.nodeName=nowhere,status.phase=Running"})
	if err != nil {
		return err
	}
	return all(want("by type", byType, 1), want("by name", byName, 1), want("unknown refused", apierrors.IsBadRequest(unknown), true), want("pods nowhere", len(pods.Items), 0))
}

func tables(ctx context.Context, _ *rest.Config, client *kubernetes.Clientset, ns string) error {
	if _, err := client.CoreV1().ConfigMaps(ns).Create(ctx, configMap("one", map[string]string{"a": "b"}), metav1.CreateOptions{}); err != nil {
		return err
	}
	get := func(include string) (*metav1.Table, error) {
		table := &metav1.Table{}
		err := client.CoreV1().RESTClient().Get().Namespace(ns).Resource("configmaps").Param("includeObject", include).Param("labelSelector", "app=check").
			SetHeader("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io,application/json").Do(ctx).Into(table)
		return table, err
	}
	plain, err := get("Metadata")
	if err != nil {
		return err
	}
	whole, err := get("Object")
	if err != nil {
		return err
	}
	none, err := get("None")
	if err != nil {
		return err
	}
	if err := all(want("columns", len(plain.ColumnDefinitions), 3), want("rows", len(plain.Rows), 1)); err != nil {
		return err
	}
	return all(
		want("first cell", plain.Rows[0].Cells[0], any("one")),
		want("metadata only", strings.Contains(string(plain.Rows[0].Object.Raw), `"kind":"PartialObjectMetadata"`), true),
		want("whole object", strings.Contains(string(whole.Rows[0].Object.Raw), `"data":{"a":"b"}`), true),
		want("no object", len(none.Rows[0].Object.Raw) == 0 || string(none.Rows[0].Object.Raw) == "null", true),
	)
}

func retryWatch(ctx context.Context, _ *rest.Config, client *kubernetes.Clientset, ns string) error {
	list, err := client.CoreV1().ConfigMaps(ns).List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	short := int64(1)
	source := &cache.ListWatch{WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
		options.TimeoutSeconds = &short
		return client.CoreV1().ConfigMaps(ns).Watch(ctx, options)
	}}
	watcher, err := watchtools.NewRetryWatcherWithContext(ctx, list.ResourceVersion, source)
	if err != nil {
		return err
	}
	defer watcher.Stop()
	for i := range 3 {
		name := fmt.Sprintf("r%d", i)
		if _, err := client.CoreV1().ConfigMaps(ns).Create(ctx, configMap(name, nil), metav1.CreateOptions{}); err != nil {
			return err
		}
		for {
			event, open := <-watcher.ResultChan()
			if !open {
				return errors.New("the watch ended")
			}
			object, ok := event.Object.(*corev1.ConfigMap)
			if !ok || event.Type == watch.Bookmark || object.Name == "kube-root-ca.crt" {
				continue
			}
			if err := all(want("event", event.Type, watch.Added), want("name", object.Name, name)); err != nil {
				return err
			}
			break
		}
		time.Sleep(700 * time.Millisecond)
	}
	return nil
}

func everyField() fields.Selector { return fields.Everything() }
