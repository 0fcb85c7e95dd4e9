/** The installation's values as far as injection depends on them: names are those of Linkerd's chart. */
import { parse } from 'yaml';
import type { EnvVar } from '#api/kube';
import { orElse } from '#model/template';

export interface ResourceValues {
  cpu?: { limit?: string; request?: string };
  memory?: { limit?: string; request?: string };
  'ephemeral-storage'?: { limit?: string; request?: string };
}

interface ServerTimeouts {
  server?: { http2?: { keepAliveInterval?: string; keepAliveTimeout?: string } };
}

/** Spans of the proxies: where they go and what they say. */
export interface TracingValues {
  enabled?: boolean;
  /** `service.name` of spans without a better one. */
  traceServiceName?: string;
  /** Attributes of every span; `$(_pod_ip)` and the like are filled in by the kubelet. */
  labels?: Readonly<Record<string, string>>;
  collector?: { endpoint?: string; meshIdentity?: { serviceAccountName?: string; namespace?: string } };
}

/** What is read of the ConfigMap `linkerd-config`. Absent fields have the chart's defaults. */
export interface InjectorValues {
  linkerdVersion: string;
  clusterDomain: string;
  clusterNetworks: string;
  identityTrustDomain?: string;
  identityTrustAnchorsPEM: string;
  imagePullPolicy: string;
  cniEnabled: boolean;
  disableIPv6: boolean;
  identity: { serviceAccountTokenProjection: boolean };
  proxy: {
    accessLog?: string;
    await: boolean;
    image: { name: string; version?: string; pullPolicy?: string };
    ports: { admin: number; control: number; inbound: number; outbound: number };
    uid: number;
    gid: number;
    logLevel: string;
    logFormat: string;
    logHTTPHeaders?: string;
    defaultInboundPolicy: string;
    opaquePorts: string;
    enableExternalProfiles: boolean;
    requireIdentityOnInboundPorts?: string;
    requireTLSOnInboundPorts?: string;
    nativeSidecar: boolean;
    waitBeforeExitSeconds: number;
    outboundConnectTimeout?: string;
    inboundConnectTimeout?: string;
    outboundDiscoveryCacheUnusedTimeout?: string;
    inboundDiscoveryCacheUnusedTimeout?: string;
    disableOutboundProtocolDetectTimeout: boolean;
    disableInboundProtocolDetectTimeout: boolean;
    shutdownGracePeriod?: string;
    enableShutdownEndpoint: boolean;
    cores?: number;
    runtime?: { workers?: { minimum?: number; maximum?: number; maximumCPURatio?: number } };
    resources?: ResourceValues;
    additionalEnv?: readonly EnvVar[];
    experimentalEnv?: readonly EnvVar[];
    metrics?: { hostnameLabels?: boolean };
    tracing?: TracingValues;
    control?: { streams?: { initialTimeout?: string; idleTimeout?: string; lifetime?: string } };
    inbound?: ServerTimeouts;
    outbound?: ServerTimeouts;
    livenessProbe?: { initialDelaySeconds?: number; timeoutSeconds?: number };
    readinessProbe?: { initialDelaySeconds?: number; timeoutSeconds?: number };
    startupProbe?: { initialDelaySeconds?: number; periodSeconds?: number; failureThreshold?: number };
    isGateway?: boolean;
    /** Of a gateway: label selector of the Services that may be reached through it. */
    gatewayServices?: string;
    /** Gateways that are believed for whom they pass things on. */
    trustedGateways?: string;
    isIngress?: boolean;
  };
  proxyInit: {
    ignoreInboundPorts?: string;
    ignoreOutboundPorts?: string;
    skipSubnets?: string;
    iptablesMode?: string;
    logLevel?: string;
    logFormat?: string;
    runAsRoot: boolean;
    runAsUser?: number;
    runAsGroup?: number;
    privileged: boolean;
    closeWaitTimeoutSecs?: number;
    xtMountPath?: { mountPath: string; name: string };
  };
  networkValidator?: {
    logLevel?: string;
    logFormat?: string;
    connectAddr?: string;
    listenAddr?: string;
    timeout?: string;
  };
  debugContainer?: { image?: { name?: string; version?: string; pullPolicy?: string } };
}

/** Sections without which nothing can be injected. */
const REQUIRED = ['clusterDomain', 'clusterNetworks', 'proxy', 'proxyInit', 'identity'] as const;

/** Reads the values of an installation from YAML. Throws a sentence for the operator. */
export function readValues(yaml: string): InjectorValues {
  const values: unknown = parse(yaml);
  if (typeof values !== 'object' || values === null) throw new Error('linkerd-config: values is no YAML map');
  const missing = REQUIRED.filter((name) => !(name in values));
  if (missing.length > 0) throw new Error(`linkerd-config: values lack ${missing.join(', ')}`);
  return values as InjectorValues;
}

/** The end of all identities. */
export function trustDomainOf(values: InjectorValues): string {
  return orElse(values.identityTrustDomain, values.clusterDomain);
}
