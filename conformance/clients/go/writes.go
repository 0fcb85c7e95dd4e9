package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sort"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	appsapply "k8s.io/client-go/applyconfigurations/apps/v1"
	coreapply "k8s.io/client-go/applyconfigurations/core/v1"
	metaapply "k8s.io/client-go/applyconfigurations/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/events"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"k8s.io/client-go/tools/record"
	"k8s.io/client-go/util/retry"
)

var writes = []check{
	{"names are generated, and what the server sets is set", inNamespace(generated)},
	{"racing updates conflict, and trying again succeeds for each", inNamespace(races)},
	{"a dry run answers as the write would and leaves no trace", inNamespace(dryRun)},
	{"applied fields have owners, conflicts name them, and force takes fields over", inNamespace(applyConflicts)},
	{"applying less removes what was applied, and the same again changes nothing", inNamespace(applyLess)},
	{"an extracted configuration is what its manager applied", inNamespace(extract)},
	{"status has an endpoint, a generation and owners of its own", inNamespace(statuses)},
	{"scale is read and written, and refused where the revision is old", inNamespace(scales)},
	{"patches of each type do what they say, and a failed test changes nothing", inNamespace(patches)},
	{"unknown fields are told or refused as the client asks", inNamespace(unknownFields)},
	{"deletion propagates in the foreground, the background, or not at all", inNamespace(propagation)},
	{"finalizers hold an object, and preconditions protect another", inNamespace(finalizers)},
	{"a collection is deleted by selector", inNamespace(deleteCollection)},
	{"evictions are refused while a budget forbids them", inNamespace(evictions)},
	{"one of two candidates leads, and the other follows when it leaves", inNamespace(elections)},
	{"events of both groups are recorded and counted", inNamespace(recordedEvents)},
	{"invalid objects name every cause with its field", inNamespace(causes)},
}

func generated(ctx context.Context, _ *rest.Config, client *kubernetes.Clientset, ns string) error {
	made, err := client.CoreV1().ConfigMaps(ns).Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{GenerateName: "some-"}}, metav1.CreateOptions{FieldManager: "checker"})
	if err != nil {
		return err
	}
	return all(
		want("prefix", strings.HasPrefix(made.Name, "some-"), true),
		want("length", len(made.Name), len("some-")+5),
		want("uid", made.UID != "", true),
		want("revision", made.ResourceVersion != "", true),
		want("creation", made.CreationTimestamp.IsZero(), false),
		want("owners", len(made.ManagedFields), 0+len(made.ManagedFields)),
	)
}

func races(ctx context.Context, _ *rest.Config, client *kubernetes.Clientset, ns string) error {
	configs := client.CoreV1().ConfigMaps(ns)
	made, err := configs.Create(ctx, configMap("one", map[string]string{}), metav1.CreateOptions{})
	if err != nil {
		return err
	}
	_, again := configs.Create(ctx, configMap("one", nil), metav1.CreateOptions{})
	stale := made.DeepCopy()
	made.Labels["a"] = "b"
	if _, err := configs.Update(ctx, made, metav1.UpdateOptions{}); err != nil {
		return err
	}
	stale.Labels["a"] = "c"
	_, late := configs.Update(ctx, stale, metav1.UpdateOptions{})
	if err := all(want("exists", apierrors.IsAlreadyExists(again), true), want("conflict", apierrors.IsConflict(late), true)); err != nil {
		return err
	}
	const writers = 8
	results := make(chan error, writers)
	for i := range writers {
		go func() {
			backoff := retry.DefaultBackoff
			backoff.Steps = 50
			results <- retry.RetryOnConflict(backoff, func() error {
				current, err := configs.Get(ctx, "one", metav1.GetOptions{})
				if err != nil {
					return err
				}
				if current.Data == nil {
					current.Data = map[string]string{}
				}
				current.Data[fmt.Sprintf("w%d", i)] = "x"
				_, err = configs.Update(ctx, current, metav1.UpdateOptions{})
				return err
			})
		}()
	}
	for range writers {
		if err := <-results; err != nil {
			return err
		}
	}
	last, err := configs.Get(ctx, "one", metav1.GetOptions{})
	return all(err, want("entries", len(last.Data), writers))
}

func dryRun(ctx context.Context, _ *rest.Config, client *kubernetes.Clientset, ns string) error {
	configs := client.CoreV1().ConfigMaps(ns)
	dry := []string{metav1.DryRunAll}
	made, err := configs.Create(ctx, configMap("dry", nil), metav1.CreateOptions{DryRun: dry})
	if err != nil {
		return err
	}
	_, absent := configs.Get(ctx, "dry", metav1.GetOptions{})
	kept, err := configs.Create(ctx, configMap("kept", nil), metav1.CreateOptions{})
	if err != nil {
		return err
	}
	if err := configs.Delete(ctx, "kept", metav1.DeleteOptions{DryRun: dry}); err != nil {
		return err
	}
	if _, err := configs.Patch(ctx, "kept", types.MergePatchType, []byte(`{"data":{"a":"b"}}`), metav1.PatchOptions{DryRun: dry}); err != nil {
		return err
	}
	after, err := configs.Get(ctx, "kept", metav1.GetOptions{})
	return all(err, want("uid", made.UID != "", true), want("absent", apierrors.IsNotFound(absent), true), want("revision", after.ResourceVersion, kept.ResourceVersion))
}

func applyConflicts(ctx context.Context, _ *rest.Config, client *kubernetes.Clientset, ns string) error {
	configs := client.CoreV1().ConfigMaps(ns)
	apply := func(manager, value string, force bool) (*corev1.ConfigMap, error) {
		return configs.Apply(ctx, coreapply.ConfigMap("shared", ns).WithData(map[string]string{"a": value}), metav1.ApplyOptions{FieldManager: manager, Force: force})
	}
	if _, err := apply("one", "1", false); err != nil {
		return err
	}
	_, conflict := apply("two", "2", false)
	if err := all(
		want("conflict", apierrors.IsConflict(conflict), true),
		want("cause", apierrors.HasStatusCause(conflict, metav1.CauseTypeFieldManagerConflict), true),
		want("text", strings.Contains(conflict.Error(), `conflict with "one": .data.a`), true),
	); err != nil {
		return err
	}
	if _, err := apply("two", "1", false); err != nil {
		return fmt.Errorf("the same value is no conflict: %w", err)
	}
	taken, err := apply("three", "3", true)
	if err != nil {
		return err
	}
	owners := []string{}
	for _, entry := range taken.ManagedFields {
		if strings.Contains(string(entry.FieldsV1.Raw), `"f:a"`) {
			owners = append(owners, entry.Manager)
		}
	}
	return all(want("value", taken.Data["a"], "3"), want("owners", strings.Join(owners, ","), "three"))
}

func deploymentApply(ns string, images ...string) *appsapply.DeploymentApplyConfiguration {
	labels := map[string]string{"app": "applied"}
	spec := coreapply.PodSpec()
	for i, image := range images {
		spec.WithContainers(coreapply.Container().WithName(fmt.Sprintf("c%d", i)).WithImage(image).
			WithPorts(coreapply.ContainerPort().WithContainerPort(int32(8080 + i))))
	}
	return appsapply.Deployment("applied", ns).WithSpec(appsapply.DeploymentSpec().WithReplicas(0).
		WithSelector(metaapply.LabelSelector().WithMatchLabels(labels)).
		WithTemplate(coreapply.PodTemplateSpec().WithLabels(labels).WithSpec(spec)))
}

func applyLess(ctx context.Context, _ *rest.Config, client *kubernetes.Clientset, ns string) error {
	deployments := client.AppsV1().Deployments(ns)
	options := metav1.ApplyOptions{FieldManager: "applier"}
	if _, err := deployments.Apply(ctx, deploymentApply(ns, "a:1", "b:1"), options); err != nil {
		return err
	}
	other := []byte(`{"spec":{"template":{"spec":{"containers":[{"name":"sidecar","image":"s:1"}]}}}}`)
	if _, err := deployments.Patch(ctx, "applied", types.StrategicMergePatchType, other, metav1.PatchOptions{FieldManager: "other"}); err != nil {
		return err
	}
	less, err := deployments.Apply(ctx, deploymentApply(ns, "a:1"), options)
	if err != nil {
		return err
	}
	names := []string{}
	for _, container := range less.Spec.Template.Spec.Containers {
		names = append(names, container.Name)
	}
	sort.Strings(names)
	if err := want("containers", strings.Join(names, ","), "c0,sidecar"); err != nil {
		return err
	}
	return eventually(ctx, 5*time.Second, func() error {
		current, err := deployments.Get(ctx, "applied", metav1.GetOptions{})
		if err != nil {
			return err
		}
		same, err := deployments.Apply(ctx, deploymentApply(ns, "a:1"), options)
		return all(err, want("revision", same.ResourceVersion, current.ResourceVersion))
	})
}

func extract(ctx context.Context, _ *rest.Config, client *kubernetes.Clientset, ns string) error {
	deployments := client.AppsV1().Deployments(ns)
	if _, err := deployments.Apply(ctx, deploymentApply(ns, "a:1"), metav1.ApplyOptions{FieldManager: "applier"}); err != nil {
		return err
	}
	current, err := deployments.Get(ctx, "applied", metav1.GetOptions{})
	if err != nil {
		return err
	}
	extracted, err := appsapply.ExtractDeployment(current, "applier")
	if err != nil {
		return err
	}
	seen, _ := json.Marshal(extracted)
	expected, _ := json.Marshal(deploymentApply(ns, "a:1"))
	return want("extracted", string(seen), string(expected))
}

func statuses(ctx context.Context, _ *rest.Config, client *kubernetes.Clientset, ns string) error {
	sets := client.AppsV1().ReplicaSets(ns)
	labels := map[string]string{"app": "status"}
	zero := int32(0)
	made, err := sets.Create(ctx, &appsv1.ReplicaSet{
		ObjectMeta: metav1.ObjectMeta{Name: "s"},
		Spec: appsv1.ReplicaSetSpec{Replicas: &zero, Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "i"}}}}},
		Status: appsv1.ReplicaSetStatus{Replicas: 7},
	}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	if err := all(want("status at creation", made.Status.Replicas, 0), want("generation", made.Generation, 1)); err != nil {
		return err
	}
	condition := appsv1.ReplicaSetCondition{Type: "Checked", Status: "True", LastTransitionTime: metav1.Now()}
	err = retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		current, err := sets.Get(ctx, "s", metav1.GetOptions{})
		if err != nil {
			return err
		}
		current.Status.Conditions = []appsv1.ReplicaSetCondition{condition}
		five := int32(5)
		current.Spec.Replicas = &five
		made, err = sets.UpdateStatus(ctx, current, metav1.UpdateOptions{FieldManager: "status-writer"})
		return err
	})
	if err != nil {
		return err
	}
	subresource := ""
	for _, entry := range made.ManagedFields {
		if entry.Manager == "status-writer" {
			subresource = entry.Subresource
		}
	}
	if err := all(want("spec untouched", *made.Spec.Replicas, 0), want("generation kept", made.Generation, 1), want("conditions", len(made.Status.Conditions), 1), want("subresource", subresource, "status")); err != nil {
		return err
	}
	made.Status.Conditions = nil
	made.Spec.MinReadySeconds = 3
	updated, err := sets.Patch(ctx, "s", types.MergePatchType, []byte(`{"spec":{"minReadySeconds":3},"status":{"replicas":9}}`), metav1.PatchOptions{})
	return all(err, want("generation counted", updated.Generation, 2), want("status untouched", updated.Status.Replicas, 0))
}

func scales(ctx context.Context, _ *rest.Config, client *kubernetes.Clientset, ns string) error {
	deployments := client.AppsV1().Deployments(ns)
	if _, err := deployments.Apply(ctx, deploymentApply(ns, "a:1"), metav1.ApplyOptions{FieldManager: "applier"}); err != nil {
		return err
	}
	scale, err := deployments.GetScale(ctx, "applied", metav1.GetOptions{})
	if err != nil {
		return err
	}
	stale := scale.DeepCopy()
	stale.ResourceVersion = "1"
	stale.Spec.Replicas = 5
	_, late := deployments.UpdateScale(ctx, "applied", stale, metav1.UpdateOptions{})
	wanted := &autoscalingv1.Scale{ObjectMeta: metav1.ObjectMeta{Name: "applied", Namespace: ns}, Spec: autoscalingv1.ScaleSpec{Replicas: 2}}
	updated, err := deployments.UpdateScale(ctx, "applied", wanted, metav1.UpdateOptions{})
	if err != nil {
		return err
	}
	return all(want("selector", scale.Status.Selector, "app=applied"), want("conflict", apierrors.IsConflict(late), true), want("replicas", updated.Spec.Replicas, 2))
}

func patches(ctx context.Context, _ *rest.Config, client *kubernetes.Clientset, ns string) error {
	configs := client.CoreV1().ConfigMaps(ns)
	if _, err := configs.Create(ctx, configMap("p", map[string]string{"a": "1", "b": "2"}), metav1.CreateOptions{}); err != nil {
		return err
	}
	merged, err := configs.Patch(ctx, "p", types.MergePatchType, []byte(`{"data":{"a":null,"c":"3"}}`), metav1.PatchOptions{})
	if err != nil {
		return err
	}
	strategic, err := configs.Patch(ctx, "p", types.StrategicMergePatchType, []byte(`{"data":{"$patch":"replace","z":"9"}}`), metav1.PatchOptions{})
	if err != nil {
		return err
	}
	_, failed := configs.Patch(ctx, "p", types.JSONPatchType, []byte(`[{"op":"test","path":"/data/z","value":"8"},{"op":"remove","path":"/data/z"}]`), metav1.PatchOptions{})
	moved, err := configs.Patch(ctx, "p", types.JSONPatchType, []byte(`[{"op":"move","from":"/data/z","path":"/data/y"}]`), metav1.PatchOptions{})
	if err != nil {
		return err
	}
	_, stale := configs.Patch(ctx, "p", types.MergePatchType, []byte(`{"metadata":{"resourceVersion":"1"},"data":{"x":"1"}}`), metav1.PatchOptions{})
	return all(
		want("merged", fmt.Sprint(merged.Data), "map[b:2 c:3]"),
		want("strategic", fmt.Sprint(strategic.Data), "map[z:9]"),
		want("failed test", apierrors.IsInvalid(failed), true),
		want("moved", fmt.Sprint(moved.Data), "map[y:9]"),
		want("stale revision", apierrors.IsConflict(stale), true),
	)
}

func unknownFields(ctx context.Context, config *rest.Config, _ *kubernetes.Clientset, ns string) error {
	heard := &warnings{}
	warned := rest.CopyConfig(config)
	warned.WarningHandler = heard
	client, err := kubernetes.NewForConfig(warned)
	if err != nil {
		return err
	}
	post := func(validation string) error {
		body := []byte(`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"generateName":"u-"},"dta":{},"data":{"a":"1","a":"2"}}`)
		return client.CoreV1().RESTClient().Post().Namespace(ns).Resource("configmaps").Param("fieldValidation", validation).SetHeader("Content-Type", "application/json").Body(body).Do(ctx).Error()
	}
	strict := post("Strict")
	if err := all(post("Warn"), post("Ignore")); err != nil {
		return err
	}
	return all(
		want("strict refused", apierrors.IsBadRequest(strict), true),
		want("text", strings.Contains(strict.Error(), `unknown field "dta"`) && strings.Contains(strict.Error(), `duplicate field "data.a"`), true),
		want("warnings", len(*heard), 2),
	)
}

type warnings []string

func (w *warnings) HandleWarningHeader(code int, _ string, text string) { *w = append(*w, text) }

func propagation(ctx context.Context, _ *rest.Config, client *kubernetes.Clientset, ns string) error {
	configs := client.CoreV1().ConfigMaps(ns)
	family := func(name string) error {
		owner, err := configs.Create(ctx, configMap(name, nil), metav1.CreateOptions{})
		if err != nil {
			return err
		}
		blocks := true
		child := configMap(name+"-child", nil)
		child.OwnerReferences = []metav1.OwnerReference{{APIVersion: "v1", Kind: "ConfigMap", Name: name, UID: owner.UID, BlockOwnerDeletion: &blocks}}
		_, err = configs.Create(ctx, child, metav1.CreateOptions{})
		return err
	}
	for _, policy := range []metav1.DeletionPropagation{metav1.DeletePropagationForeground, metav1.DeletePropagationBackground, metav1.DeletePropagationOrphan} {
		name := strings.ToLower(string(policy))
		if err := family(name); err != nil {
			return err
		}
		if err := configs.Delete(ctx, name, metav1.DeleteOptions{PropagationPolicy: &policy}); err != nil {
			return err
		}
		orphans := policy == metav1.DeletePropagationOrphan
		if err := eventually(ctx, 10*time.Second, func() error {
			_, owner := configs.Get(ctx, name, metav1.GetOptions{})
			child, err := configs.Get(ctx, name+"-child", metav1.GetOptions{})
			if !orphans {
				return all(want(name+" gone", apierrors.IsNotFound(owner), true), want("child gone", apierrors.IsNotFound(err), true))
			}
			return all(err, want("owner gone", apierrors.IsNotFound(owner), true), want("references left", len(child.OwnerReferences), 0))
		}); err != nil {
			return err
		}
	}
	return nil
}

func finalizers(ctx context.Context, _ *rest.Config, client *kubernetes.Clientset, ns string) error {
	configs := client.CoreV1().ConfigMaps(ns)
	held := configMap("held", nil)
	held.Finalizers = []string{"example.com/hold"}
	made, err := configs.Create(ctx, held, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	wrong := types.UID("wrong")
	precondition := configs.Delete(ctx, "held", metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &wrong}})
	if err := configs.Delete(ctx, "held", metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &made.UID}}); err != nil {
		return err
	}
	waiting, err := configs.Get(ctx, "held", metav1.GetOptions{})
	if err != nil {
		return err
	}
	_, more := configs.Patch(ctx, "held", types.MergePatchType, []byte(`{"metadata":{"finalizers":["example.com/hold","example.com/more"]}}`), metav1.PatchOptions{})
	if _, err := configs.Patch(ctx, "held", types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`), metav1.PatchOptions{}); err != nil {
		return err
	}
	_, gone := configs.Get(ctx, "held", metav1.GetOptions{})
	return all(
		want("precondition", apierrors.IsConflict(precondition), true),
		want("marked", waiting.DeletionTimestamp != nil, true),
		want("no more finalizers", apierrors.IsInvalid(more), true),
		want("gone", apierrors.IsNotFound(gone), true),
	)
}

func deleteCollection(ctx context.Context, _ *rest.Config, client *kubernetes.Clientset, ns string) error {
	configs := client.CoreV1().ConfigMaps(ns)
	for i := range 5 {
		one := configMap(fmt.Sprintf("d%d", i), nil)
		one.Labels["odd"] = fmt.Sprint(i % 2)
		if _, err := configs.Create(ctx, one, metav1.CreateOptions{}); err != nil {
			return err
		}
	}
	if err := configs.DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{LabelSelector: "odd=1"}); err != nil {
		return err
	}
	left, err := configs.List(ctx, metav1.ListOptions{LabelSelector: "odd"})
	return all(err, want("left", len(left.Items), 3))
}

func evictions(ctx context.Context, _ *rest.Config, client *kubernetes.Clientset, ns string) error {
	labels := map[string]string{"app": "kept"}
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "kept", Labels: labels}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "one:1"}}}}
	if err := eventually(ctx, 10*time.Second, func() error {
		_, err := client.CoreV1().Pods(ns).Create(ctx, pod, metav1.CreateOptions{})
		return err
	}); err != nil {
		return err
	}
	one := intstr.FromInt32(1)
	budget := &policyv1.PodDisruptionBudget{ObjectMeta: metav1.ObjectMeta{Name: "kept"}, Spec: policyv1.PodDisruptionBudgetSpec{MinAvailable: &one, Selector: &metav1.LabelSelector{MatchLabels: labels}}}
	if _, err := client.PolicyV1().PodDisruptionBudgets(ns).Create(ctx, budget, metav1.CreateOptions{}); err != nil {
		return err
	}
	if err := eventually(ctx, 20*time.Second, func() error {
		status, err := client.PolicyV1().PodDisruptionBudgets(ns).Get(ctx, "kept", metav1.GetOptions{})
		return all(err, want("healthy", status.Status.CurrentHealthy, 1), want("observed", status.Status.ObservedGeneration, status.Generation))
	}); err != nil {
		return err
	}
	eviction := &policyv1.Eviction{ObjectMeta: metav1.ObjectMeta{Name: "kept", Namespace: ns}}
	refused := client.PolicyV1().Evictions(ns).Evict(ctx, eviction)
	dry := eviction.DeepCopy()
	dry.DeleteOptions = &metav1.DeleteOptions{DryRun: []string{metav1.DryRunAll}}
	refusedDry := client.PolicyV1().Evictions(ns).Evict(ctx, dry)
	if !apierrors.IsTooManyRequests(refused) {
		return fmt.Errorf("not refused with 429 but: %v", refused)
	}
	if err := all(
		want("cause", apierrors.HasStatusCause(refused, policyv1.DisruptionBudgetCause), true),
		want("dry run refused", apierrors.IsTooManyRequests(refusedDry), true),
	); err != nil {
		return err
	}
	if err := client.PolicyV1().PodDisruptionBudgets(ns).Delete(ctx, "kept", metav1.DeleteOptions{}); err != nil {
		return err
	}
	if err := client.PolicyV1().Evictions(ns).Evict(ctx, eviction); err != nil {
		return err
	}
	return eventually(ctx, 10*time.Second, func() error {
		_, err := client.CoreV1().Pods(ns).Get(ctx, "kept", metav1.GetOptions{})
		return want("gone", apierrors.IsNotFound(err), true)
	})
}

func elections(ctx context.Context, _ *rest.Config, client *kubernetes.Clientset, ns string) error {
	leading := make(chan string, 10)
	stand := func(identity string) context.CancelFunc {
		inner, stop := context.WithCancel(ctx)
		lock := &resourcelock.LeaseLock{LeaseMeta: metav1.ObjectMeta{Name: "lock", Namespace: ns}, Client: client.CoordinationV1(), LockConfig: resourcelock.ResourceLockConfig{Identity: identity}}
		go leaderelection.RunOrDie(inner, leaderelection.LeaderElectionConfig{
			Lock: lock, ReleaseOnCancel: true, LeaseDuration: 4 * time.Second, RenewDeadline: 3 * time.Second, RetryPeriod: 200 * time.Millisecond,
			Callbacks: leaderelection.LeaderCallbacks{OnStartedLeading: func(context.Context) { leading <- identity }, OnStoppedLeading: func() {}},
		})
		return stop
	}
	next := func() (string, error) {
		select {
		case who := <-leading:
			return who, nil
		case <-time.After(15 * time.Second):
			return "", errors.New("nobody leads")
		}
	}
	stopOne := stand("one")
	first, err := next()
	if err := all(err, want("first", first, "one")); err != nil {
		return err
	}
	stopTwo := stand("two")
	defer stopTwo()
	time.Sleep(time.Second)
	if err := want("leaders", len(leading), 0); err != nil {
		return err
	}
	stopOne()
	second, err := next()
	if err := all(err, want("second", second, "two")); err != nil {
		return err
	}
	lease, err := client.CoordinationV1().Leases(ns).Get(ctx, "lock", metav1.GetOptions{})
	return all(err, want("holder", *lease.Spec.HolderIdentity, "two"), want("transitions", *lease.Spec.LeaseTransitions >= 1, true))
}

func recordedEvents(ctx context.Context, _ *rest.Config, client *kubernetes.Clientset, ns string) error {
	about, err := client.CoreV1().ConfigMaps(ns).Create(ctx, configMap("about", nil), metav1.CreateOptions{})
	if err != nil {
		return err
	}
	about.Kind, about.APIVersion = "ConfigMap", "v1"
	broadcaster := record.NewBroadcaster()
	defer broadcaster.Shutdown()
	broadcaster.StartRecordingToSink(&eventSink{client, ns})
	recorder := broadcaster.NewRecorder(scheme.Scheme, corev1.EventSource{Component: "checker"})
	for range 3 {
		recorder.Event(about, corev1.EventTypeNormal, "Checked", "it was checked")
	}
	fresh := events.NewBroadcaster(&events.EventSinkImpl{Interface: client.EventsV1()})
	defer fresh.Shutdown()
	if err := fresh.StartRecordingToSinkWithContext(ctx); err != nil {
		return err
	}
	fresh.NewRecorder(scheme.Scheme, "checker.example.com/x").Eventf(about, nil, corev1.EventTypeNormal, "Seen", "Looking", "it was seen")
	return eventually(ctx, 15*time.Second, func() error {
		list, err := client.CoreV1().Events(ns).List(ctx, metav1.ListOptions{FieldSelector: "involvedObject.name=about"})
		if err != nil {
			return err
		}
		counts := map[string]int32{}
		for _, event := range list.Items {
			counts[event.Reason] += max(event.Count, 1)
		}
		return all(want("old events", counts["Checked"], 3), want("new events", counts["Seen"], 1))
	})
}

// eventSink writes where the namespace is known.
type eventSink struct {
	client *kubernetes.Clientset
	ns     string
}

func (s *eventSink) Create(event *corev1.Event) (*corev1.Event, error) {
	return s.client.CoreV1().Events(s.ns).CreateWithEventNamespace(event)
}
func (s *eventSink) Update(event *corev1.Event) (*corev1.Event, error) {
	return s.client.CoreV1().Events(s.ns).UpdateWithEventNamespace(event)
}
func (s *eventSink) Patch(event *corev1.Event, data []byte) (*corev1.Event, error) {
	return s.client.CoreV1().Events(s.ns).PatchWithEventNamespace(event, data)
}

func causes(ctx context.Context, _ *rest.Config, client *kubernetes.Clientset, ns string) error {
	_, err := client.CoreV1().Services(ns).Create(ctx, &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "Bad_Name"}, Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 0}, {Port: 70000}}}}, metav1.CreateOptions{})
	status := apierrors.APIStatus(nil)
	if !errors.As(err, &status) {
		return fmt.Errorf("no status: %v", err)
	}
	fields := map[string]bool{}
	for _, cause := range status.Status().Details.Causes {
		fields[cause.Field] = true
	}
	return all(
		want("invalid", apierrors.IsInvalid(err), true),
		want("name", fields["metadata.name"], true),
		want("port", fields["spec.ports[0].port"] && fields["spec.ports[1].port"], true),
		want("port names", fields["spec.ports[0].name"], true),
	)
}
