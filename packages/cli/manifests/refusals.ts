import { DEFAULT_POLICIES } from '#model/policy';
import { all, any, atLeast, equals, not } from '#model/template';
import type { Values } from './values.ts';
import { WEBHOOKS } from './webhooks.ts';

/** Why an installation with these values could not work. */
export interface Refusal {
  /** True: refused. */
  test: boolean;
  message: string;
}

const INBOUND_POLICIES = Object.keys(DEFAULT_POLICIES).sort();

const noneOf = (value: string, allowed: readonly string[]): boolean =>
  not(any(...allowed.map((each) => equals(value, each))));

/** Contradictions between values, and values outside of what there is. The command line and the chart refuse the same. */
export function refusals(values: Values): Refusal[] {
  const { identity, proxy, proxyInit } = values;
  const { scheme, tls } = identity.issuer;
  return [
    {
      test: all(not(identity.externalCA), not(values.identityTrustAnchorsPEM)),
      message: 'identityTrustAnchorsPEM is needed: the PEM of the trust anchors, unless identity.externalCA is true',
    },
    {
      test: noneOf(scheme, ['linkerd.io/tls', 'kubernetes.io/tls']),
      message: 'identity.issuer.scheme: expected linkerd.io/tls or kubernetes.io/tls',
    },
    {
      test: all(equals(scheme, 'linkerd.io/tls'), not(all(tls.crtPEM, tls.keyPEM))),
      message:
        'identity.issuer.tls.crtPEM and identity.issuer.tls.keyPEM are needed: certificate and key of the issuer',
    },
    {
      test: noneOf(values.webhookFailurePolicy, ['Ignore', 'Fail']),
      message: 'webhookFailurePolicy: expected Ignore or Fail',
    },
    {
      test: noneOf(proxy.defaultInboundPolicy, INBOUND_POLICIES),
      message: `proxy.defaultInboundPolicy: expected one of ${INBOUND_POLICIES.join(', ')}`,
    },
    {
      test: noneOf(proxyInit.iptablesMode, ['nft', 'legacy', '']),
      message: 'proxyInit.iptablesMode: expected nft or legacy',
    },
    {
      test: all(proxyInit.closeWaitTimeoutSecs, not(proxyInit.runAsRoot)),
      message: 'proxyInit.runAsRoot must be set to use proxyInit.closeWaitTimeoutSecs',
    },
    { test: not(atLeast(values.controllerReplicas, 1)), message: 'controllerReplicas: expected 1 or more' },
    { test: not(atLeast(values.kubeAPI.clientQPS, 1)), message: 'kubeAPI.clientQPS: expected 1 or more' },
    { test: not(atLeast(values.kubeAPI.clientBurst, 1)), message: 'kubeAPI.clientBurst: expected 1 or more' },
    {
      test: all(proxy.tracing.enabled, not(proxy.tracing.collector.endpoint)),
      message: 'proxy.tracing.collector.endpoint must be set to enable tracing',
    },
    ...WEBHOOKS.flatMap(({ valuesKey }) => webhookRefusals(values, valuesKey)),
  ];
}

/** Values that ask for what there is not: an installation goes on without. */
export function ineffective({ disableHeartBeat, enableEndpointSlices }: Values): Refusal[] {
  return [
    {
      test: not(disableHeartBeat),
      message: 'disableHeartBeat=false has no effect: there is no heartbeat, nothing here calls home',
    },
    {
      test: not(enableEndpointSlices),
      message: 'enableEndpointSlices=false has no effect: endpoints are always read from EndpointSlices',
    },
  ];
}

function webhookRefusals(values: Values, key: (typeof WEBHOOKS)[number]['valuesKey']): Refusal[] {
  const { externalSecret, crtPEM, keyPEM, caBundle, injectCaFrom, injectCaFromSecret } = values[key];
  return [
    {
      test: any(all(crtPEM, not(keyPEM)), all(keyPEM, not(crtPEM))),
      message: `${key}: crtPEM and keyPEM must be given together`,
    },
    {
      test: all(externalSecret, not(any(caBundle, injectCaFrom, injectCaFromSecret))),
      message: `${key}.externalSecret needs ${key}.caBundle, ${key}.injectCaFrom or ${key}.injectCaFromSecret`,
    },
    {
      test: any(all(caBundle, any(injectCaFrom, injectCaFromSecret)), all(injectCaFrom, injectCaFromSecret)),
      message: `${key}: only one of caBundle, injectCaFrom and injectCaFromSecret can be given`,
    },
  ];
}
