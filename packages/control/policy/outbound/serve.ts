/** OutboundPolicies: Get and Watch. */
import { decodeIp, FEATURES_KEY, outbound, parseFeatures } from '#api/mesh';
import { parseAuthority, parseServiceName, parseWorkloadToken } from '#model/names';
import { type CallContext, GrpcError, type GrpcServer } from '#runtime/grpc';
import { keyOf, type Question, streamSnapshots } from '../../fold/index.ts';
import { includes, type Network } from '../networks.ts';
import type { Warn } from './annotations.ts';
import {
  egressPolicy,
  type OutboundConfig,
  type PolicyQuestion,
  servicePolicy,
  undefinedPortPolicy,
} from './policy.ts';
import type { ServiceRecord, Services } from './services.ts';

export interface OutboundDeps {
  services: Services;
  config: OutboundConfig;
  clusterNetworks: readonly Network[];
  /** A Service carries an annotation that cannot be read. */
  warn(service: string, message: string): void;
  coalesced(): void;
}

/** What a proxy asks about, and the fields beyond Linkerd's that it understands. */
type Target = ({ ip: string } | { service: string }) & PolicyQuestion;

/** Adds the methods to a server. */
export function serveOutbound(deps: OutboundDeps, server: GrpcServer): void {
  server.unary(outbound.OutboundPolicies.method.get, (spec, context) => answer(deps, readSpec(deps, spec, context)));
  server.serverStream(outbound.OutboundPolicies.method.watch, (spec, stream, context) => {
    const target = readSpec(deps, spec, context);
    streamSnapshots(
      outbound.OutboundPolicySchema,
      questionOf(deps, target, () => stream.end()),
      stream,
      deps.coalesced,
    );
  });
}

function readSpec({ config }: OutboundDeps, spec: outbound.TrafficSpec, context: CallContext): Target {
  const features = parseFeatures(context.metadata(FEATURES_KEY));
  if (!parseWorkloadToken(spec.sourceWorkload))
    throw new GrpcError('INVALID_ARGUMENT', `source_workload: expected {"ns":…,"pod":…}, got "${spec.sourceWorkload}"`);
  if (spec.target.case === 'addr') {
    const { ip, port } = spec.target.value;
    const text = decodeIp(ip);
    if (text === undefined || port < 1 || port > 65535)
      throw new GrpcError('INVALID_ARGUMENT', 'target: no IP address and port');
    return { ip: text, port, features };
  }
  if (spec.target.case !== 'authority') throw new GrpcError('INVALID_ARGUMENT', 'target: missing');
  const authority = parseAuthority(spec.target.value);
  if (!authority) throw new GrpcError('INVALID_ARGUMENT', `target: malformed authority "${spec.target.value}"`);
  const { host, port } = authority;
  const name = parseServiceName(host.endsWith('.svc') ? `${host}.${config.clusterDomain}` : host, config.clusterDomain);
  if (!name || name.instance !== undefined) return notFound();
  return { service: keyOf(name.namespace, name.name), port, features };
}

function notFound(): never {
  throw new GrpcError('NOT_FOUND', 'No such service');
}

function findService({ services }: OutboundDeps, target: Target): ServiceRecord | undefined {
  return 'ip' in target ? services.byIp(target.ip) : services.get(target.service);
}

function answer(deps: OutboundDeps, target: Target): outbound.OutboundPolicy {
  const service = findService(deps, target);
  if (service) return policyOf(deps, service, target);
  if ('service' in target || includes(deps.clusterNetworks, target.ip)) return notFound();
  return egressPolicy(target.ip, target.port) ?? notFound();
}

function policyOf(deps: OutboundDeps, service: ServiceRecord, question: PolicyQuestion): outbound.OutboundPolicy {
  const { port } = question;
  if (!service.ports.some((each) => each.port === port)) return undefinedPortPolicy(service, port);
  const warn: Warn = (message) => deps.warn(service.key, message);
  return servicePolicy(service, question, deps.config, warn);
}

/** While the target stays the same Service, or none, its policy is followed; when that changes the proxy asks again. */
function questionOf(
  deps: OutboundDeps,
  target: Target,
  end: () => void,
): Question<typeof outbound.OutboundPolicySchema> {
  const first = findService(deps, target);
  return {
    snapshot: () => answer(deps, target),
    follow: (changed) => {
      const follow = () => {
        if (findService(deps, target)?.key === first?.key) changed();
        else end();
      };
      const { services } = deps;
      return [
        ...('ip' in target ? [services.onIp(target.ip, follow)] : []),
        ...(first ? [services.onService(first.key, follow)] : []),
      ];
    },
  };
}
