/** The policy of one port of one workload, from what the view holds at one moment. */
import { create } from '@bufbuild/protobuf';
import { httpTypes, inbound } from '#api/mesh';
import { matchesLabelSelector } from '#kube/client';
import { type DefaultPolicyName, requireIdentity } from '#model/policy';
import type { NetworkMatch } from '../networks.ts';
import { type AuthorizeConfig, defaultAuthz, probeAuthz, serverAuthz } from './authorize.ts';
import type { InboundView } from './index-view.ts';
import type { ServerProtocol, ServerRecord, SubjectRecord } from './records.ts';

export interface InboundConfig extends AuthorizeConfig {
  defaultPolicy: DefaultPolicyName;
  /** Where kubelets probe from; none: probes are authorised like all else. */
  probeNetworks: readonly NetworkMatch[];
}

/** How long a proxy waits for the first bytes before it gives up on telling the protocol. */
const DETECT_TIMEOUT = { seconds: 10n, nanos: 0 };

/** What the workload's proxy does with connections to the port. Every port has an answer. */
export function inboundServer(
  view: InboundView,
  subject: SubjectRecord,
  port: number,
  config: InboundConfig,
): inbound.Server {
  const server = selectServer(view, subject, port);
  if (!server) return defaultServer(subject, port, config);
  return create(inbound.ServerSchema, {
    protocol: encodeProtocol(server.protocol, httpRoutes(subject, port, config)),
    authorizations: serverAuthz(view, server, config),
    labels: { group: 'policy.linkerd.io', kind: 'server', name: server.name },
  });
}

/** Of the Servers that select the port, the oldest; of equally old ones, the first by name. */
export function selectServer(view: InboundView, subject: SubjectRecord, port: number): ServerRecord | undefined {
  const selecting = view.servers(subject.namespace).filter((server) => {
    const selector = subject.kind === 'pod' ? server.podSelector : server.workloadSelector;
    const numbers = typeof server.port === 'number' ? [server.port] : (subject.portsByName.get(server.port) ?? []);
    return selector !== undefined && numbers.includes(port) && matchesLabelSelector(selector, { ...subject.labels });
  });
  const age = (server: ServerRecord) => `${server.createdAt} ${server.name}`;
  return selecting.sort((a, b) => (age(a) < age(b) ? -1 : 1))[0];
}

function defaultServer(subject: SubjectRecord, port: number, config: InboundConfig): inbound.Server {
  const own = subject.defaultPolicy ?? config.defaultPolicy;
  const policy = subject.requireIdentityPorts.has(port) ? requireIdentity(own) : own;
  const protocol = subject.opaquePorts.has(port) ? 'opaque' : 'unknown';
  return create(inbound.ServerSchema, {
    protocol: encodeProtocol(protocol, httpRoutes(subject, port, config)),
    authorizations: defaultAuthz(policy, config),
    labels: { group: '', kind: 'default', name: policy },
  });
}

function encodeProtocol(protocol: ServerProtocol, routes: inbound.HttpRoute[]): inbound.ProxyProtocol {
  const make = (kind: inbound.ProxyProtocol['kind']) => create(inbound.ProxyProtocolSchema, { kind });
  const encode: Record<ServerProtocol, () => inbound.ProxyProtocol> = {
    unknown: () =>
      make({
        case: 'detect',
        value: create(inbound.ProxyProtocol_DetectSchema, { timeout: DETECT_TIMEOUT, httpRoutes: routes }),
      }),
    'HTTP/1': () => make({ case: 'http1', value: create(inbound.ProxyProtocol_Http1Schema, { routes }) }),
    'HTTP/2': () => make({ case: 'http2', value: create(inbound.ProxyProtocol_Http2Schema, { routes }) }),
    gRPC: () =>
      make({ case: 'grpc', value: create(inbound.ProxyProtocol_GrpcSchema, { routes: [DEFAULT_GRPC_ROUTE] }) }),
    opaque: () => make({ case: 'opaque', value: create(inbound.ProxyProtocol_OpaqueSchema) }),
    TLS: () => make({ case: 'tls', value: create(inbound.ProxyProtocol_TlsSchema) }),
  };
  return encode[protocol]();
}

const named = (name: string) => ({ kind: { case: 'default' as const, value: name } });

const DEFAULT_HTTP_ROUTE = create(inbound.HttpRouteSchema, {
  metadata: named('default'),
  rules: [{ matches: [{ path: { kind: { case: 'prefix', value: '/' } } }] }],
});

const DEFAULT_GRPC_ROUTE = create(inbound.GrpcRouteSchema, { metadata: named('default'), rules: [{ matches: [{}] }] });

/** The route that matches everything, and one for the kubelet's probes of this port, which must pass under any policy. */
function httpRoutes(subject: SubjectRecord, port: number, config: InboundConfig): inbound.HttpRoute[] {
  const paths = subject.probes.get(port) ?? [];
  if (paths.length === 0 || config.probeNetworks.length === 0) return [DEFAULT_HTTP_ROUTE];
  const probe = create(inbound.HttpRouteSchema, {
    metadata: named('probe'),
    authorizations: [probeAuthz(config.probeNetworks)],
    rules: [
      {
        matches: paths.map((path) => ({
          path: { kind: { case: 'exact' as const, value: path } },
          method: { type: { case: 'registered' as const, value: httpTypes.HttpMethod_Registered.GET } },
        })),
      },
    ],
  });
  return [DEFAULT_HTTP_ROUTE, probe];
}
