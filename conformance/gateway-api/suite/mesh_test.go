// Runs the Gateway API's conformance tests for meshes against the cluster of KUBECONFIG. Built by `go test -c`, so its flags are those of
// Go's tests and the `-mesh.*` below.
package suite

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/go-logr/logr"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/config"
	"sigs.k8s.io/controller-runtime/pkg/log"
	v1 "sigs.k8s.io/gateway-api/apis/v1"
	"sigs.k8s.io/gateway-api/conformance"
	confv1 "sigs.k8s.io/gateway-api/conformance/apis/v1"
	"sigs.k8s.io/gateway-api/conformance/tests"
	timeouts "sigs.k8s.io/gateway-api/conformance/utils/config"
	"sigs.k8s.io/gateway-api/conformance/utils/suite"
	"sigs.k8s.io/gateway-api/pkg/features"
	"sigs.k8s.io/yaml"
)

var (
	supported   = flag.String("mesh.features", "", "extended features that are claimed, by comma")
	annotations = flag.String("mesh.annotations", "", "annotations of the suite's namespaces: key=value, by comma")
	only        = flag.String("mesh.only", "", "names of the tests to run, by comma; all without")
	report      = flag.String("mesh.report", "", "file of the suite's own report")
	version     = flag.String("mesh.version", "", "version of the implementation")
)

// TestMesh runs each test of the suite that a mesh can be asked for, as a test below it. What waits for what, and for how long, is the
// suite's own.
func TestMesh(t *testing.T) {
	log.SetLogger(logr.Discard())
	access, err := config.GetConfig()
	must(t, err)
	objects, err := client.New(access, client.Options{})
	must(t, err)
	must(t, v1.Install(objects.Scheme()))
	must(t, apiextensionsv1.AddToScheme(objects.Scheme()))
	streams, err := kubernetes.NewForConfig(access)
	must(t, err)

	options := suite.ConformanceOptions{
		ConfigurableOptions: suite.ConfigurableOptions{
			SupportedFeatures:    names(*supported),
			ConformanceProfiles:  []suite.ConformanceProfileName{suite.MeshHTTPConformanceProfileName, suite.MeshGRPCConformanceProfileName},
			NamespaceAnnotations: pairs(*annotations),
			CleanupTestResources: true,
			TimeoutConfig:        timeouts.DefaultTimeoutConfig(),
			Implementation:       confv1.Implementation{Organization: "weft", Project: "weft", Version: *version},
		},
		Client:     objects,
		Clientset:  streams,
		RestConfig: access,
		ManifestFS: []fs.FS{&conformance.Manifests},
	}
	mesh, err := suite.NewConformanceTestSuite(options)
	must(t, err)
	chosen := meshTests(words(*only))
	for _, each := range chosen {
		fmt.Printf("asks: %s %v\n", each.ShortName, each.Features)
	}
	// There is a report once the suite's own clean-up has ended the run: registered later, it comes before this one.
	t.Cleanup(func() { writeReport(t, mesh) })
	mesh.Setup(t, chosen)
	must(t, mesh.Run(t, chosen))
}

func writeReport(t *testing.T, mesh *suite.ConformanceTestSuite) {
	if *report == "" {
		return
	}
	written, err := mesh.Report()
	must(t, err)
	text, err := yaml.Marshal(written)
	must(t, err)
	must(t, os.WriteFile(*report, text, 0o644))
}

// Those that ask for a mesh: all of the suite's, or of these names.
func meshTests(only []string) []suite.ConformanceTest {
	var chosen []suite.ConformanceTest
	for _, each := range tests.ConformanceTests {
		if slices.Contains(each.Features, features.SupportMesh) && (len(only) == 0 || slices.Contains(only, each.ShortName)) {
			chosen = append(chosen, each)
		}
	}
	return chosen
}

func names(text string) []features.FeatureName {
	var all []features.FeatureName
	for _, word := range words(text) {
		all = append(all, features.FeatureName(word))
	}
	return all
}

func pairs(text string) map[string]string {
	all := map[string]string{}
	for _, word := range words(text) {
		key, value, _ := strings.Cut(word, "=")
		all[key] = value
	}
	return all
}

func words(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' })
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
