package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/webhook"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"
)

const managedGroup = "managed.example.com"

var widgetKind = schema.GroupVersionKind{Group: managedGroup, Version: "v1", Kind: "Widget"}

var managers = []check{
	{"a manager reconciles through its cache: owned objects, status, events and finalizers", reconciles},
	{"a second manager takes the lead when the first one ends", managersElect},
	{"webhooks of a manager change and refuse what is written", webhooks},
}

func newWidget(name string, size int64) *unstructured.Unstructured {
	widget := &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{"size": size}}}
	widget.SetGroupVersionKind(widgetKind)
	widget.SetName(name)
	widget.SetNamespace("default")
	return widget
}

// withWidgets serves the kind while run runs.
func withWidgets(ctx context.Context, config *rest.Config, run func(client.Client, *runtime.Scheme) error) error {
	scheme := runtime.NewScheme()
	if err := all(clientgoscheme.AddToScheme(scheme), apiextensionsv1.AddToScheme(scheme)); err != nil {
		return err
	}
	direct, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		return err
	}
	definition := widgets(managedGroup)
	if err := direct.Create(ctx, definition); err != nil {
		return err
	}
	defer func() {
		direct.Delete(context.Background(), definition)
		eventually(context.Background(), 10*time.Second, func() error {
			err := direct.Get(context.Background(), client.ObjectKeyFromObject(definition), definition)
			return want("definition gone", apierrors.IsNotFound(err), true)
		})
	}()
	return run(direct, scheme)
}

const finalizer = managedGroup + "/cleanup"

// reconciler keeps a ConfigMap for each Widget and says so in its status.
type reconciler struct {
	client.Client
	scheme   *runtime.Scheme
	recorder func(runtime.Object, string)
	cleaned  chan string
}

func (r *reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	widget := &unstructured.Unstructured{}
	widget.SetGroupVersionKind(widgetKind)
	if err := r.Get(ctx, request.NamespacedName, widget); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if !widget.GetDeletionTimestamp().IsZero() {
		if controllerutil.RemoveFinalizer(widget, finalizer) {
			if err := r.Update(ctx, widget); err != nil {
				return ctrl.Result{}, err
			}
			r.cleaned <- widget.GetName()
		}
		return ctrl.Result{}, nil
	}
	if controllerutil.AddFinalizer(widget, finalizer) {
		return ctrl.Result{}, r.Update(ctx, widget)
	}
	owned := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: widget.GetName(), Namespace: widget.GetNamespace()}}
	size, _, _ := unstructured.NestedInt64(widget.Object, "spec", "size")
	if _, err := controllerutil.CreateOrUpdate(ctx, r.Client, owned, func() error {
		owned.Data = map[string]string{"size": fmt.Sprint(size)}
		return controllerutil.SetControllerReference(widget, owned, r.scheme)
	}); err != nil {
		return ctrl.Result{}, err
	}
	before := widget.DeepCopy()
	unstructured.SetNestedField(widget.Object, size, "status", "size")
	if err := r.Status().Patch(ctx, widget, client.MergeFrom(before)); err != nil {
		return ctrl.Result{}, err
	}
	r.recorder(widget, "size is "+fmt.Sprint(size))
	return ctrl.Result{}, nil
}

// startManager runs a manager with the reconciler until the context ends; the channel tells its end.
func startManager(ctx context.Context, config *rest.Config, scheme *runtime.Scheme, id string, options ctrl.Options) (*reconciler, <-chan error, error) {
	options.Scheme = scheme
	options.Metrics = metricsserver.Options{BindAddress: "0"}
	options.HealthProbeBindAddress = "0"
	options.Cache.DefaultNamespaces = map[string]cache.Config{"default": {}}
	skip := true
	options.Controller.SkipNameValidation = &skip
	manager, err := ctrl.NewManager(config, options)
	if err != nil {
		return nil, nil, err
	}
	recorder := manager.GetEventRecorder(id)
	r := &reconciler{Client: manager.GetClient(), scheme: scheme, cleaned: make(chan string, 100), recorder: func(object runtime.Object, text string) {
		recorder.Eventf(object, nil, corev1.EventTypeNormal, "Sized", "Sizing", "%s", text)
	}}
	widget := &unstructured.Unstructured{}
	widget.SetGroupVersionKind(widgetKind)
	if err := ctrl.NewControllerManagedBy(manager).Named(id).For(widget).Owns(&corev1.ConfigMap{}).Complete(r); err != nil {
		return nil, nil, err
	}
	ended := make(chan error, 1)
	go func() { ended <- manager.Start(ctx) }()
	return r, ended, nil
}

func hasSize(ctx context.Context, direct client.Client, name string, size int64) error {
	return eventually(ctx, 15*time.Second, func() error {
		widget := newWidget(name, 0)
		owned := &corev1.ConfigMap{}
		key := client.ObjectKeyFromObject(widget)
		if err := all(direct.Get(ctx, key, widget), direct.Get(ctx, key, owned)); err != nil {
			return err
		}
		seen, _, _ := unstructured.NestedInt64(widget.Object, "status", "size")
		return all(want("size", seen, size), want("owned", owned.Data["size"], fmt.Sprint(size)))
	})
}

func reconciles(ctx context.Context, config *rest.Config) error {
	return withWidgets(ctx, config, func(direct client.Client, scheme *runtime.Scheme) error {
		inner, stop := context.WithCancel(ctx)
		r, ended, err := startManager(inner, config, scheme, "reconciles", ctrl.Options{})
		if err != nil {
			stop()
			return err
		}
		defer func() { stop(); <-ended }()
		widget := newWidget("w", 1)
		if err := direct.Create(ctx, widget); err != nil {
			return err
		}
		if err := hasSize(ctx, direct, "w", 1); err != nil {
			return err
		}
		owned := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "w", Namespace: "default"}}
		// What is taken away is put back, by way of the owner.
		if err := direct.Delete(ctx, owned); err != nil {
			return err
		}
		if err := hasSize(ctx, direct, "w", 1); err != nil {
			return err
		}
		patched := newWidget("w", 5)
		if err := direct.Patch(ctx, patched, client.Merge); err != nil {
			return err
		}
		if err := hasSize(ctx, direct, "w", 5); err != nil {
			return err
		}
		if err := eventually(ctx, 10*time.Second, func() error {
			list := &corev1.EventList{}
			if err := direct.List(ctx, list, client.InNamespace("default"), client.MatchingFields{"reason": "Sized"}); err != nil {
				return err
			}
			return want("events", len(list.Items) > 0, true)
		}); err != nil {
			return err
		}
		if err := direct.Delete(ctx, newWidget("w", 0)); err != nil {
			return err
		}
		select {
		case <-r.cleaned:
		case <-time.After(10 * time.Second):
			return errors.New("the finalizer was not run")
		}
		return eventually(ctx, 15*time.Second, func() error {
			gone := direct.Get(ctx, client.ObjectKeyFromObject(owned), owned)
			return want("owned object collected", apierrors.IsNotFound(gone), true)
		})
	})
}

func managersElect(ctx context.Context, config *rest.Config) error {
	return withWidgets(ctx, config, func(direct client.Client, scheme *runtime.Scheme) error {
		lease, renew, period := 4*time.Second, 3*time.Second, 200*time.Millisecond
		options := ctrl.Options{LeaderElection: true, LeaderElectionID: "widgets", LeaderElectionNamespace: "default", LeaderElectionReleaseOnCancel: true, LeaseDuration: &lease, RenewDeadline: &renew, RetryPeriod: &period}
		one, stopOne := context.WithCancel(ctx)
		defer stopOne()
		_, endedOne, err := startManager(one, config, scheme, "first", options)
		if err != nil {
			return err
		}
		if err := all(direct.Create(ctx, newWidget("a", 1)), hasSize(ctx, direct, "a", 1)); err != nil {
			return err
		}
		two, stopTwo := context.WithCancel(ctx)
		defer stopTwo()
		r, endedTwo, err := startManager(two, config, scheme, "second", options)
		if err != nil {
			return err
		}
		defer func() { stopTwo(); <-endedTwo }()
		time.Sleep(500 * time.Millisecond)
		stopOne()
		if err := <-endedOne; err != nil {
			return err
		}
		if err := all(direct.Create(ctx, newWidget("b", 2)), hasSize(ctx, direct, "b", 2)); err != nil {
			return err
		}
		for _, name := range []string{"a", "b"} {
			if err := direct.Delete(ctx, newWidget(name, 0)); err != nil {
				return err
			}
			<-r.cleaned
		}
		return nil
	})
}

// webhookFiles makes a key and a certificate for 127.0.0.1 in a folder, and gives the certificate.
func webhookFiles(folder string) ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "hooks"}, NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return certificate, all(
		os.WriteFile(filepath.Join(folder, "tls.crt"), certificate, 0o600),
		os.WriteFile(filepath.Join(folder, "tls.key"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600),
	)
}

func webhooks(ctx context.Context, config *rest.Config) error {
	return withWidgets(ctx, config, func(direct client.Client, scheme *runtime.Scheme) error {
		folder, err := os.MkdirTemp("", "hooks")
		if err != nil {
			return err
		}
		defer os.RemoveAll(folder)
		bundle, err := webhookFiles(folder)
		if err != nil {
			return err
		}
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		port := listener.Addr().(*net.TCPAddr).Port
		listener.Close()
		server := webhook.NewServer(webhook.Options{Host: "127.0.0.1", Port: port, CertDir: folder})
		manager, err := ctrl.NewManager(config, ctrl.Options{Scheme: scheme, Metrics: metricsserver.Options{BindAddress: "0"}, WebhookServer: server})
		if err != nil {
			return err
		}
		// The manager runs the server only once it was asked for.
		hooks := manager.GetWebhookServer()
		hooks.Register("/mutate", &webhook.Admission{Handler: admission.HandlerFunc(func(_ context.Context, request admission.Request) admission.Response {
			changed := strings.Replace(string(request.Object.Raw), `"size":1`, `"size":11`, 1)
			return admission.PatchResponseFromRaw(request.Object.Raw, []byte(changed))
		})})
		hooks.Register("/validate", &webhook.Admission{Handler: admission.HandlerFunc(func(_ context.Context, request admission.Request) admission.Response {
			if strings.Contains(string(request.Object.Raw), `"size":99`) {
				return admission.Denied("99 is too much")
			}
			return admission.Allowed("").WithWarnings("sizes are watched")
		})})
		inner, stop := context.WithCancel(ctx)
		ended := make(chan error, 1)
		go func() { ended <- manager.Start(inner) }()
		defer func() { stop(); <-ended }()
		if err := eventually(ctx, 10*time.Second, func() error { return server.StartedChecker()(&http.Request{}) }); err != nil {
			return err
		}
		if err := register(ctx, direct, port, bundle); err != nil {
			return err
		}
		defer unregister(direct)
		small, big := newWidget("small", 1), newWidget("big", 99)
		if err := direct.Create(ctx, small); err != nil {
			return err
		}
		size, _, _ := unstructured.NestedInt64(small.Object, "spec", "size")
		denied := direct.Create(ctx, big)
		if err := all(
			want("changed", size, 11), want("denied", apierrors.IsForbidden(denied), true),
			want("text", strings.Contains(fmt.Sprint(denied), `admission webhook "validate.managed.example.com" denied the request: 99 is too much`), true),
		); err != nil {
			return err
		}
		return direct.Delete(ctx, small)
	})
}

func register(ctx context.Context, direct client.Client, port int, bundle []byte) error {
	url := func(path string) admissionregistrationv1.WebhookClientConfig {
		text := fmt.Sprintf("https://127.0.0.1:%d%s", port, path)
		return admissionregistrationv1.WebhookClientConfig{URL: &text, CABundle: bundle}
	}
	none := admissionregistrationv1.SideEffectClassNone
	rules := []admissionregistrationv1.RuleWithOperations{{
		Operations: []admissionregistrationv1.OperationType{admissionregistrationv1.Create},
		Rule:       admissionregistrationv1.Rule{APIGroups: []string{managedGroup}, APIVersions: []string{"v1"}, Resources: []string{"widgets"}},
	}}
	return all(
		direct.Create(ctx, &admissionregistrationv1.MutatingWebhookConfiguration{ObjectMeta: metav1.ObjectMeta{Name: "widgets"}, Webhooks: []admissionregistrationv1.MutatingWebhook{{
			Name: "mutate." + managedGroup, ClientConfig: url("/mutate"), Rules: rules, SideEffects: &none, AdmissionReviewVersions: []string{"v1"}}}}),
		direct.Create(ctx, &admissionregistrationv1.ValidatingWebhookConfiguration{ObjectMeta: metav1.ObjectMeta{Name: "widgets"}, Webhooks: []admissionregistrationv1.ValidatingWebhook{{
			Name: "validate." + managedGroup, ClientConfig: url("/validate"), Rules: rules, SideEffects: &none, AdmissionReviewVersions: []string{"v1"}}}}),
	)
}

func unregister(direct client.Client) {
	for _, each := range []client.Object{&admissionregistrationv1.MutatingWebhookConfiguration{}, &admissionregistrationv1.ValidatingWebhookConfiguration{}} {
		each.SetName("widgets")
		direct.Delete(context.Background(), each)
	}
}
