package main

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// inNamespace runs a check in a namespace of its own.
func inNamespace(run func(ctx context.Context, config *rest.Config, client *kubernetes.Clientset, ns string) error) func(context.Context, *rest.Config) error {
	return func(ctx context.Context, config *rest.Config) error {
		client, err := kubernetes.NewForConfig(config)
		if err != nil {
			return err
		}
		made, err := client.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "check-"}}, metav1.CreateOptions{})
		if err != nil {
			return err
		}
		defer client.CoreV1().Namespaces().Delete(context.Background(), made.Name, metav1.DeleteOptions{})
		return run(ctx, config, client, made.Name)
	}
}

func configMap(name string, data map[string]string) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"app": "check"}}, Data: data}
}
