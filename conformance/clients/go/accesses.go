package main

import (
	"context"
	"fmt"
	"slices"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

var accesses = []check{
	{"a token for an account is issued, reviewed for its audiences, and works", inNamespace(tokens)},
	{"access is granted by roles, and reviews tell it", inNamespace(reviews)},
	{"whoever impersonates is somebody else", inNamespace(impersonation)},
}

func account(ctx context.Context, client *kubernetes.Clientset, ns string) error {
	_, err := client.CoreV1().ServiceAccounts(ns).Create(ctx, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "robot"}}, metav1.CreateOptions{})
	return err
}

func tokens(ctx context.Context, config *rest.Config, client *kubernetes.Clientset, ns string) error {
	if err := account(ctx, client, ns); err != nil {
		return err
	}
	issue := func(seconds int64, audiences ...string) (*authenticationv1.TokenRequest, error) {
		return client.CoreV1().ServiceAccounts(ns).CreateToken(ctx, "robot", &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: &seconds, Audiences: audiences}}, metav1.CreateOptions{})
	}
	foreign, err := issue(600, "somebody")
	if err != nil {
		return err
	}
	_, short := issue(10)
	review := func(token string, audiences ...string) (authenticationv1.TokenReviewStatus, error) {
		made, err := client.AuthenticationV1().TokenReviews().Create(ctx, &authenticationv1.TokenReview{Spec: authenticationv1.TokenReviewSpec{Token: token, Audiences: audiences}}, metav1.CreateOptions{})
		if err != nil {
			return authenticationv1.TokenReviewStatus{}, err
		}
		return made.Status, nil
	}
	good, err := review(foreign.Status.Token, "somebody", "else")
	if err != nil {
		return err
	}
	bad, err := review(foreign.Status.Token, "nobody")
	if err != nil {
		return err
	}
	own, err := issue(600)
	if err != nil {
		return err
	}
	robot := rest.AnonymousClientConfig(config)
	robot.BearerToken = own.Status.Token
	as, err := kubernetes.NewForConfig(robot)
	if err != nil {
		return err
	}
	self, err := as.AuthenticationV1().SelfSubjectReviews().Create(ctx, &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	_, forbidden := as.CoreV1().Secrets(ns).List(ctx, metav1.ListOptions{})
	name := fmt.Sprintf("system:serviceaccount:%s:robot", ns)
	return all(
		want("short refused", apierrors.IsInvalid(short), true),
		want("reviewed", good.Authenticated, true), want("user", good.User.Username, name),
		want("audiences", fmt.Sprint(good.Audiences), "[somebody]"),
		want("other audience", bad.Authenticated, false), want("its error", bad.Error != "", true),
		want("self", self.Status.UserInfo.Username, name), want("forbidden", apierrors.IsForbidden(forbidden), true),
		want("groups", slices.Contains(self.Status.UserInfo.Groups, "system:serviceaccounts:"+ns), true),
	)
}

func reviews(ctx context.Context, config *rest.Config, client *kubernetes.Clientset, ns string) error {
	if err := account(ctx, client, ns); err != nil {
		return err
	}
	user := fmt.Sprintf("system:serviceaccount:%s:robot", ns)
	may := func(verb, resource, sub, name string) (bool, error) {
		made, err := client.AuthorizationV1().SubjectAccessReviews().Create(ctx, &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
			User: user, ResourceAttributes: &authorizationv1.ResourceAttributes{Namespace: ns, Verb: verb, Resource: resource, Subresource: sub, Name: name},
		}}, metav1.CreateOptions{})
		if err != nil {
			return false, err
		}
		return made.Status.Allowed, nil
	}
	before, err := may("get", "pods", "log", "")
	if err != nil {
		return err
	}
	role := &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Name: "r"}, Rules: []rbacv1.PolicyRule{
		{APIGroups: []string{""}, Resources: []string{"pods/log"}, Verbs: []string{"get"}},
		{APIGroups: []string{""}, Resources: []string{"configmaps"}, ResourceNames: []string{"mine"}, Verbs: []string{"get", "update"}},
	}}
	if _, err := client.RbacV1().Roles(ns).Create(ctx, role, metav1.CreateOptions{}); err != nil {
		return err
	}
	binding := &rbacv1.RoleBinding{ObjectMeta: metav1.ObjectMeta{Name: "r"}, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "r"}, Subjects: []rbacv1.Subject{{Kind: "ServiceAccount", Name: "robot", Namespace: ns}}}
	if _, err := client.RbacV1().RoleBindings(ns).Create(ctx, binding, metav1.CreateOptions{}); err != nil {
		return err
	}
	logs, _ := may("get", "pods", "log", "")
	pods, _ := may("get", "pods", "", "")
	mine, _ := may("update", "configmaps", "", "mine")
	others, _ := may("update", "configmaps", "", "others")
	local, err := client.AuthorizationV1().LocalSubjectAccessReviews(ns).Create(ctx, &authorizationv1.LocalSubjectAccessReview{ObjectMeta: metav1.ObjectMeta{Namespace: ns}, Spec: authorizationv1.SubjectAccessReviewSpec{
		User: user, ResourceAttributes: &authorizationv1.ResourceAttributes{Namespace: ns, Verb: "get", Resource: "pods", Subresource: "log"},
	}}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	self, err := client.AuthorizationV1().SelfSubjectAccessReviews().Create(ctx, &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{NonResourceAttributes: &authorizationv1.NonResourceAttributes{Path: "/metrics", Verb: "get"}}}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	as := rest.CopyConfig(config)
	as.Impersonate = rest.ImpersonationConfig{UserName: user}
	robot, err := kubernetes.NewForConfig(as)
	if err != nil {
		return err
	}
	rules, err := robot.AuthorizationV1().SelfSubjectRulesReviews().Create(ctx, &authorizationv1.SelfSubjectRulesReview{Spec: authorizationv1.SelfSubjectRulesReviewSpec{Namespace: ns}}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	told := slices.ContainsFunc(rules.Status.ResourceRules, func(rule authorizationv1.ResourceRule) bool { return slices.Contains(rule.Resources, "pods/log") })
	return all(
		want("before", before, false), want("logs", logs, true), want("pods", pods, false), want("mine", mine, true), want("others", others, false),
		want("local", local.Status.Allowed, true), want("self", self.Status.Allowed, true), want("rules", told, true),
	)
}

func impersonation(ctx context.Context, config *rest.Config, _ *kubernetes.Clientset, ns string) error {
	as := rest.CopyConfig(config)
	as.Impersonate = rest.ImpersonationConfig{UserName: "ann", Groups: []string{"readers"}, Extra: map[string][]string{"scopes": {"a", "b"}}}
	client, err := kubernetes.NewForConfig(as)
	if err != nil {
		return err
	}
	self, err := client.AuthenticationV1().SelfSubjectReviews().Create(ctx, &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	_, err = client.CoreV1().Pods(ns).List(ctx, metav1.ListOptions{})
	user := self.Status.UserInfo
	return all(
		want("name", user.Username, "ann"), want("groups", slices.Contains(user.Groups, "readers"), true),
		want("extra", fmt.Sprint(user.Extra["scopes"]), "[a b]"), want("forbidden", apierrors.IsForbidden(err), true),
	)
}
