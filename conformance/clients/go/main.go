// What Go programs ask of an API server, as they ask it: client-go (typed, dynamic and metadata clients, informers, discovery) and
// controller-runtime (a manager with cache, election, webhooks and finalizers). Usage: clients SUITE, with KUBECONFIG. Prints one
// line of JSON per check, {"check": …, "error": …}, and exits 1 when one failed.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
)

// checkLimit bounds each check.
const checkLimit = 60 * time.Second

// check is one thing that has to work; its name is a sentence.
type check struct {
	name string
	run  func(ctx context.Context, config *rest.Config) error
}

var suites = map[string][]check{
	"client-go":          append(append(append(reads, writes...), discoveries...), accesses...),
	"controller-runtime": managers,
}

func main() {
	klog.LogToStderr(false)
	klog.SetOutput(io.Discard)
	ctrl.SetLogger(logr.Discard())
	if len(os.Args) != 2 || suites[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: clients client-go|controller-runtime")
		os.Exit(2)
	}
	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	// Throttling is the client's own; it would only make the checks slow.
	config.QPS, config.Burst = 1000, 1000
	failed := false
	for _, each := range suites[os.Args[1]] {
		result := map[string]string{"check": each.name}
		if err := runOne(each, config); err != nil {
			result["error"], failed = err.Error(), true
		}
		line, _ := json.Marshal(result)
		fmt.Println(string(line))
	}
	if failed {
		os.Exit(1)
	}
}

func runOne(one check, config *rest.Config) (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), checkLimit)
	defer cancel()
	defer func() {
		if panicked := recover(); panicked != nil {
			err = fmt.Errorf("panic: %v", panicked)
		}
	}()
	return one.run(ctx, config)
}

// eventually repeats a probe until it succeeds, or tells why it last did not.
func eventually(ctx context.Context, limit time.Duration, probe func() error) error {
	deadline := time.Now().Add(limit)
	for {
		err := probe()
		if err == nil {
			return nil
		}
		if time.Now().After(deadline) || ctx.Err() != nil {
			return err
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// want compares what was seen with what was expected.
func want[T comparable](what string, seen, expected T) error {
	if seen != expected {
		return fmt.Errorf("%s: got %v, want %v", what, seen, expected)
	}
	return nil
}

// all gives the first error.
func all(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
