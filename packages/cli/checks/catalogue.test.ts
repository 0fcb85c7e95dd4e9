import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allCategories, ORDER } from './catalogue.ts';

const all = allCategories();
const checks = all.flatMap((category) => category.checks);

test('every category is there, in the order of a run', () => {
  assert.deepEqual(
    all.map(({ name }) => name),
    ORDER,
  );
});

test('every check says what it looks at and what to do, in sentences', () => {
  for (const { description, remedy, anchor } of checks) {
    assert.match(remedy, /^[A-Z].{30,}[.]$/s, description);
    assert.match(anchor, /^[a-zA-Z0-9-]+$/, description);
  }
});

test('no check is there twice', () => {
  const names = all.flatMap((category) => category.checks.map(({ description }) => `${category.name}: ${description}`));
  assert.deepEqual(
    names.filter((name, at) => names.indexOf(name) !== at),
    [],
  );
});

/** Anchors that guides and scripts know of Linkerd's catalogue. */
const KNOWN =
  `k8s-api k8s-version gateway-api-crd pre-ns pre-k8s-cluster-k8s pre-k8s pre-k8s-clock-skew l5d-existence-crd
l5d-existence-linkerd-config l5d-existence-sa l5d-existence-replicasets l5d-existence-unschedulable-pods l5d-api-control-ready
l5d-cluster-networks-cidr l5d-cluster-networks-pods l5d-existence-ns l5d-existence-cr l5d-existence-crb l5d-existence-mwc
l5d-existence-vwc l5d-proxy-init-run-as-root cni-plugin-cm-exists cni-plugin-cr-exists cni-plugin-crb-exists cni-plugin-sa-exists
cni-plugin-ds-exists cni-plugin-ready l5d-identity-cert-config-valid l5d-identity-trustAnchors-use-supported-crypto
l5d-identity-trustAnchors-are-time-valid l5d-identity-trustAnchors-not-expiring-soon l5d-identity-issuer-cert-uses-supported-crypto
l5d-identity-issuer-cert-is-time-valid l5d-identity-issuer-cert-not-expiring-soon l5d-identity-issuer-cert-issued-by-trust-anchor
l5d-proxy-injector-webhook-cert-valid l5d-proxy-injector-webhook-cert-not-expiring-soon l5d-sp-validator-webhook-cert-valid
l5d-policy-validator-webhook-cert-valid l5d-identity-data-plane-proxies-certs-match-ca l5d-version-latest l5d-version-cli
l5d-version-control l5d-cp-proxy-healthy l5d-cp-proxy-version l5d-cp-proxy-cli-version l5d-data-plane-exists l5d-data-plane-ready
l5d-data-plane-version l5d-data-plane-cli-version l5d-data-plane-pod-labels l5d-data-plane-services-labels
l5d-data-plane-services-annotations linkerd-opaque-ports-definition l5d-control-plane-replicas l5d-extension-namespaces
l5d-multicluster-link-crd-exists l5d-multicluster-links-are-valid l5d-multicluster-clusters-share-anchors`.split(/\s+/);

test('anchors are those that are known', () => {
  const anchors = new Set(checks.map(({ anchor }) => anchor));
  assert.deepEqual(
    KNOWN.filter((anchor) => !anchors.has(anchor)),
    [],
  );
});
