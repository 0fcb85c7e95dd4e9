/** The policies of workloads' ports, from what the view holds at one moment. */
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { inbound } from '#api/mesh';
import { type DefaultPolicyName, requireIdentity } from '#model/policy';
import type { NetworkMatch } from '../networks.ts';
import { type AuthorizeConfig, defaultAuthz, serverAuthz } from './authorize.ts';
import { encodeRateLimit } from './rate-limits.ts';
import { attachedRoutes, defaultRoutes, type InboundRoutes } from './routes.ts';
import type { ServerProtocol, ServerRecord } from './servers.ts';
import type { SubjectRecord } from './subjects.ts';
import type { InboundView } from './view.ts';

type ProtocolInit = MessageInitShape<typeof inbound.ProxyProtocolSchema>;

export interface InboundConfig extends AuthorizeConfig {
  defaultPolicy: DefaultPolicyName;
  /** Where kubelets probe from; none: probes are authorised like all else. */
  probeNetworks: readonly NetworkMatch[];
}

/** How long a proxy waits for the first bytes before it gives up on telling the protocol. */
const DETECT_TIMEOUT = { seconds: 10n, nanos: 0 };

/** What all ports that fall under a Server have in common. */
interface ServerParts {
  attached: InboundRoutes;
  authorizations: inbound.Authz[];
  limit: inbound.HttpLocalRateLimit | undefined;
}

/** Policies of ports. What many ports share is made once, and again after a change of anything that it is made of. */
export class InboundPolicies {
  readonly #view: InboundView;
  readonly #config: InboundConfig;
  readonly #parts = new WeakMap<ServerRecord, ServerParts>();

  constructor(view: InboundView, config: InboundConfig) {
    this.#view = view;
    this.#config = config;
    view.onServer((server) => this.#parts.delete(server));
  }

  /** What the workload's proxy does with connections to the port. Every port has an answer. */
  of(subject: SubjectRecord, port: number): inbound.Server {
    const server = this.#view.serverAt(subject, port);
    const defaults = defaultRoutes(subject, port, this.#config.probeNetworks);
    return server ? this.#ofServer(server, defaults) : ofDefault(subject, port, defaults, this.#config);
  }

  #ofServer(server: ServerRecord, defaults: InboundRoutes): inbound.Server {
    const { attached, authorizations, limit } = this.#partsOf(server);
    const routes = {
      http: attached.http.length > 0 ? attached.http : defaults.http,
      grpc: attached.grpc.length > 0 ? attached.grpc : defaults.grpc,
    };
    return create(inbound.ServerSchema, {
      protocol: encodeProtocol(server.protocol, routes, limit),
      authorizations,
      labels: { group: 'policy.linkerd.io', kind: 'server', name: server.name },
    });
  }

  #partsOf(server: ServerRecord): ServerParts {
    const known = this.#parts.get(server);
    if (known) return known;
    const [view, config] = [this.#view, this.#config];
    const limit = view.rateLimit(server);
    const parts = {
      attached: attachedRoutes(view, view.routes(server), config),
      authorizations: serverAuthz(view, server, config),
      limit: limit && encodeRateLimit(limit, config),
    };
    this.#parts.set(server, parts);
    return parts;
  }
}

function ofDefault(subject: SubjectRecord, port: number, routes: InboundRoutes, config: InboundConfig): inbound.Server {
  const own = subject.defaultPolicy ?? config.defaultPolicy;
  const policy = subject.requireIdentityPorts.has(port) ? requireIdentity(own) : own;
  const protocol = subject.opaquePorts.has(port) ? 'opaque' : 'unknown';
  return create(inbound.ServerSchema, {
    protocol: encodeProtocol(protocol, routes, undefined),
    authorizations: defaultAuthz(policy, config),
    labels: { group: '', kind: 'default', name: policy },
  });
}

/** A protocol carries routes of its own kind only; rate limits are of HTTP, not of what is known to be gRPC. */
function encodeProtocol(
  protocol: ServerProtocol,
  routes: InboundRoutes,
  limit: inbound.HttpLocalRateLimit | undefined,
): ProtocolInit {
  const http = { routes: [...routes.http], ...(limit && { localRateLimit: limit }) };
  switch (protocol) {
    case 'unknown': {
      const value = { timeout: DETECT_TIMEOUT, httpRoutes: http.routes, ...(limit && { httpLocalRateLimit: limit }) };
      return { kind: { case: 'detect', value } };
    }
    case 'HTTP/1':
      return { kind: { case: 'http1', value: http } };
    case 'HTTP/2':
      return { kind: { case: 'http2', value: http } };
    case 'gRPC':
      return { kind: { case: 'grpc', value: { routes: [...routes.grpc] } } };
    case 'opaque':
      return { kind: { case: 'opaque', value: {} } };
    case 'TLS':
      return { kind: { case: 'tls', value: {} } };
  }
}
