/** One address of a service, with the message that proxies get for it. */
import { create } from '@bufbuild/protobuf';
import { destination, encodeTcpAddress } from '#api/mesh';
import type { PortSet } from '#model/annotations';
import { identityOf, LABELS } from '#model/names';
import type { ClusterIndex, Owner, PodRecord, WorkloadRecord } from '../cluster/index.ts';

/** What decides how endpoints are described; see the flags of the process. */
export interface EndpointConfig {
  controlPlaneNamespace: string;
  /** Of the cluster that the endpoints live in. Empty: no identities. */
  trustDomain: string;
  defaultOpaquePorts: PortSet;
  /** Dial every meshed endpoint at its proxy's inbound port, with a transport header. */
  forceOpaqueTransport: boolean;
  /** Tell proxies that meshed endpoints speak HTTP/2. */
  h2Upgrade: boolean;
  /** Prefer endpoints in the client's zone by weight. */
  zoneWeights: boolean;
  http2: destination.Http2ClientParams | undefined;
}

export type Locality = 'local' | 'remote' | 'unknown';

/** 10000 is a weight of 1. */
const WEIGHT = 10_000;
/** Factor for endpoints in the client's zone, where zones weigh. */
const LOCAL_ZONE_FACTOR = 10;
/** Where a workload outside the cluster listens unless it says otherwise. */
const WORKLOAD_INBOUND_PORT = 4143;

/** Where an endpoint is, and what stands behind the address. */
export interface Located {
  ip: string;
  port: number;
  /** As the slice says; undefined where it does not. */
  zone: string | undefined;
}

/** Labels, identity and hints of an endpoint; the rest of its message depends on who asks. */
export type Description = Pick<destination.WeightedAddr, 'metricLabels'> &
  Partial<Pick<destination.WeightedAddr, 'tlsIdentity' | 'protocolHint' | 'authorityOverride' | 'http2'>>;

/** The place of an endpoint among others. */
export interface Standing {
  /** Undefined leaves the label away (profiles). */
  locality: Locality | undefined;
  /** Factor; 1 is usual. */
  weight: number;
  /** Level; 0, the first, is not sent. */
  priority: number;
}

/** The standing of what is not compared with others. */
export const ALONE: Standing = { locality: undefined, weight: 1, priority: 0 };

/** The message for an endpoint. Undefined when the IP is none. */
export function weightedAddr(
  at: Located,
  description: Description,
  { locality, weight, priority }: Standing,
  config: EndpointConfig,
): destination.WeightedAddr | undefined {
  const addr = encodeTcpAddress(at.ip, at.port);
  if (!addr) return undefined;
  const metricLabels = locality ? { ...description.metricLabels, zone_locality: locality } : description.metricLabels;
  const factor = config.zoneWeights && locality === 'local' ? weight * LOCAL_ZONE_FACTOR : weight;
  // On the wire 0 is "not said", which counts as 1.
  const onWire = Math.max(1, Math.round(WEIGHT * factor));
  return create(destination.WeightedAddrSchema, { ...description, addr, weight: onWire, metricLabels, priority });
}

/** A pod as its description needs it. */
export interface PodFacts {
  pod: PodRecord;
  owner: Owner;
  /** Whether the port is opaque, by whoever says so. */
  opaque: boolean;
}

/** Looks up what decides about a port of a pod. */
export function podFacts(index: ClusterIndex, pod: PodRecord, port: number, config: EndpointConfig): PodFacts {
  const opaque = (pod.opaquePorts ?? config.defaultOpaquePorts).has(port) || index.isOpaqueByServer(pod, port);
  return { pod, owner: index.ownerOf(pod, 'pod'), opaque };
}

/** Describes a port of a pod. */
export function describePod({ pod, owner, opaque }: PodFacts, at: Located, config: EndpointConfig): Description {
  const controlPlane = pod.labels[LABELS.controlPlaneNamespace] ?? '';
  const templateHash = pod.labels[LABELS.podTemplateHash];
  const metricLabels = {
    pod: pod.name,
    [labelOfOwner(owner.kind)]: owner.name,
    serviceaccount: pod.serviceAccount,
    ...(controlPlane && { control_plane_ns: controlPlane }),
    ...(templateHash && { pod_template_hash: templateHash }),
    zone: at.zone ?? '',
  };
  if (controlPlane === '' || pod.skippedInboundPorts.has(at.port)) return { metricLabels };
  // The proxy's own ports are not behind its inbound listener.
  const inboundPort = pod.proxyPorts.includes(at.port) ? undefined : pod.inboundPort;
  return {
    metricLabels,
    ...meshed(opaque, inboundPort, config),
    ...(controlPlane === config.controlPlaneNamespace &&
      config.trustDomain && { tlsIdentity: podIdentity(pod, config) }),
  };
}

function podIdentity(pod: PodRecord, config: EndpointConfig): destination.TlsIdentity {
  const name = identityOf(pod, config);
  return dnsIdentity(name, name);
}

function dnsIdentity(name: string, serverName: string | undefined): destination.TlsIdentity {
  return create(destination.TlsIdentitySchema, {
    strategy: { case: 'dnsLikeIdentity', value: { name } },
    ...(serverName && { serverName: { name: serverName } }),
  });
}

function meshed(
  opaque: boolean,
  inboundPort: number | undefined,
  config: Pick<EndpointConfig, 'forceOpaqueTransport' | 'h2Upgrade' | 'http2'>,
): Partial<Description> {
  const transport = inboundPort !== undefined && (opaque || config.forceOpaqueTransport);
  const protocol = opaque
    ? { case: 'opaque' as const, value: {} }
    : config.h2Upgrade
      ? { case: 'h2' as const, value: {} }
      : { case: undefined };
  return {
    protocolHint: create(destination.ProtocolHintSchema, {
      protocol,
      ...(transport && { opaqueTransport: { inboundPort } }),
    }),
    ...(config.http2 && { http2: config.http2 }),
  };
}

/** A workload outside the cluster as its description needs it. */
export interface WorkloadFacts {
  workload: WorkloadRecord;
  owner: Owner;
  opaque: boolean;
}

/** Looks up what decides about a port of a workload outside the cluster. */
export function workloadFacts(
  index: ClusterIndex,
  workload: WorkloadRecord,
  port: number,
  config: EndpointConfig,
): WorkloadFacts {
  const { opaquePorts = config.defaultOpaquePorts } = workload;
  const opaque = opaquePorts.has(port) || index.isWorkloadOpaqueByServer(workload, port);
  return { workload, owner: index.ownerOf(workload, ''), opaque };
}

/** Describes a port of a workload outside the cluster; it always has a proxy. */
export function describeWorkload(
  { workload, owner, opaque }: WorkloadFacts,
  at: Located,
  config: EndpointConfig,
): Description {
  const inboundPort = workload.ports.find((port) => port.name === 'linkerd-proxy')?.port ?? WORKLOAD_INBOUND_PORT;
  return {
    metricLabels: {
      external_workload: workload.name,
      ...(owner.kind && { [labelOfOwner(owner.kind)]: owner.name }),
      zone: at.zone ?? '',
    },
    ...meshed(opaque, inboundPort, { ...config, h2Upgrade: true }),
    tlsIdentity: create(destination.TlsIdentitySchema, {
      strategy: { case: 'uriLikeIdentity', value: { uri: workload.identity } },
      serverName: { name: workload.serverName },
    }),
  };
}

/** What a slice says of an address that stands for no pod of ours. */
export interface GatewayFacts {
  identity: string | undefined;
  authority: string | undefined;
  /** Connections are for this port of its pod, through that one of its proxy. */
  behind: { port: number; inboundPort: number } | undefined;
}

/** Describes a bare address: unmeshed, or a gateway of another cluster when the slice names its identity. */
export function describeAddress(gateway: GatewayFacts, config: EndpointConfig): Description {
  return {
    metricLabels: {},
    ...(gateway.authority && {
      authorityOverride: create(destination.AuthorityOverrideSchema, { authorityOverride: gateway.authority }),
    }),
    ...(gateway.identity && gatewayProxy(gateway.identity, gateway, config)),
  };
}

/** Without a service behind it the address is a gateway's admin port, for probes: it is asked in the version the client speaks. */
function gatewayProxy(
  identity: string,
  { authority, behind }: GatewayFacts,
  config: EndpointConfig,
): Partial<Description> {
  const h2 = config.h2Upgrade && authority !== undefined;
  return {
    tlsIdentity: dnsIdentity(identity, undefined),
    ...((h2 || behind) && {
      protocolHint: create(destination.ProtocolHintSchema, {
        ...(h2 && { protocol: { case: 'h2', value: {} } }),
        ...(behind && { opaqueTransport: { inboundPort: behind.inboundPort } }),
      }),
    }),
    ...(config.http2 && { http2: config.http2 }),
  };
}

/** `job` is taken by Prometheus. */
const labelOfOwner = (kind: string) => (kind === 'job' ? 'k8s_job' : kind);
