/** OutboundPolicies: Get and Watch. */
import { decodeIp, FEATURES_KEY, outbound, parseFeatures } from '#api/mesh';
import { parseAuthority, parseServiceName, parseWorkloadToken } from '#model/names';
import { type CallContext, GrpcError, type GrpcServer } from '#runtime/grpc';
import { Answers, keyOf, type Question } from '../../fold/index.ts';
import { exportedBy } from '../../gateways/index.ts';
import { includes, type Network } from '../networks.ts';
import type { Routes } from '../routes/index.ts';
import type { Warn } from './annotations.ts';
import type { EgressNetworkRecord, EgressNetworks } from './egress.ts';
import {
  egressPolicy,
  fallbackPolicy,
  type OutboundConfig,
  type PolicyInit,
  type PolicyQuestion,
  servicePolicy,
  undefinedPortPolicy,
} from './policy.ts';
import type { ServiceRecord, Services } from './services.ts';

export interface OutboundDeps {
  services: Services;
  routes: Routes;
  egress: EgressNetworks;
  config: OutboundConfig;
  clusterNetworks: readonly Network[];
  /** An object carries an annotation that cannot be read. */
  warn(object: string, message: string): void;
  coalesced(): void;
}

/** What a proxy asks about. */
type Target = ({ ip: string } | NamedTarget) & PolicyQuestion;

interface NamedTarget {
  service: string;
  /** Of a gateway: selector of the Services that it may reach. */
  exported: string | undefined;
}

/** What answers for a target at one moment. */
type Answerer =
  | { kind: 'service'; service: ServiceRecord }
  | { kind: 'egressnetwork'; network: EgressNetworkRecord; ip: string }
  /** Outside the cluster, under no EgressNetwork. */
  | { kind: 'outside'; ip: string };

/** Adds the methods to a server. */
export function serveOutbound(deps: OutboundDeps, server: GrpcServer): void {
  const answers = new Answers(outbound.OutboundPolicySchema, deps.coalesced);
  server.unary(outbound.OutboundPolicies.method.get, (spec, context) => {
    const target = readSpec(deps, spec, context);
    return policyOf(deps, find(deps, target), target);
  });
  server.serverStream(outbound.OutboundPolicies.method.watch, (spec, stream, context) => {
    const target = readSpec(deps, spec, context);
    answers.serve(keyOfTarget(target), () => questionOf(deps, target), stream);
  });
}

function readSpec({ config }: OutboundDeps, spec: outbound.TrafficSpec, context: CallContext): Target {
  const features = parseFeatures(context.metadata(FEATURES_KEY));
  const workload = parseWorkloadToken(spec.sourceWorkload);
  if (!workload)
    throw new GrpcError('INVALID_ARGUMENT', `source_workload: expected {"ns":…,"pod":…}, got "${spec.sourceWorkload}"`);
  const { namespace } = workload;
  if (spec.target.case === 'addr') {
    const { ip, port } = spec.target.value;
    const text = decodeIp(ip);
    if (text === undefined || port < 1 || port > 65535)
      throw new GrpcError('INVALID_ARGUMENT', 'target: no IP address and port');
    return { ip: text, port, features, namespace };
  }
  if (spec.target.case !== 'authority') throw new GrpcError('INVALID_ARGUMENT', 'target: missing');
  const authority = parseAuthority(spec.target.value);
  if (!authority) throw new GrpcError('INVALID_ARGUMENT', `target: malformed authority "${spec.target.value}"`);
  const { host, port } = authority;
  const name = parseServiceName(host.endsWith('.svc') ? `${host}.${config.clusterDomain}` : host, config.clusterDomain);
  if (!name || name.instance !== undefined) return notFound();
  return { service: keyOf(name.namespace, name.name), exported: workload.services, port, features, namespace };
}

/** Proxies whose targets have the same key share an answer. */
function keyOfTarget(target: Target): string {
  const { port, namespace, features } = target;
  const who = 'ip' in target ? [target.ip] : [target.service, target.exported];
  return JSON.stringify([...who, port, namespace, ...[...features].sort()]);
}

function notFound(): never {
  throw new GrpcError('NOT_FOUND', 'No such service');
}

/** What a gateway may not reach is not there for it. */
function serviceOf(services: Services, target: Target): ServiceRecord | undefined {
  if ('ip' in target) return services.byIp(target.ip);
  const found = services.get(target.service);
  return found && exportedBy(target.exported)(found.labels) ? found : undefined;
}

function find({ services, egress, clusterNetworks }: OutboundDeps, target: Target): Answerer {
  const service = serviceOf(services, target);
  if (service) return { kind: 'service', service };
  if ('service' in target || includes(clusterNetworks, target.ip)) return notFound();
  const network = egress.at(target.ip, target.namespace);
  return network ? { kind: 'egressnetwork', network, ip: target.ip } : { kind: 'outside', ip: target.ip };
}

function policyOf(deps: OutboundDeps, answerer: Answerer, question: PolicyQuestion): PolicyInit {
  const { config, routes, services } = deps;
  const world = { config, routes, hasService: (key: string) => services.get(key) !== undefined };
  const warnOf =
    (key: string): Warn =>
    (message) =>
      deps.warn(key, message);
  switch (answerer.kind) {
    case 'service': {
      const { service } = answerer;
      if (!service.ports.some((each) => each.port === question.port))
        return undefinedPortPolicy(service, question.port);
      return servicePolicy(service, question, world, warnOf(service.key));
    }
    case 'egressnetwork': {
      const { network, ip } = answerer;
      return egressPolicy(network, ip, question, world, warnOf(network.key)) ?? notFound();
    }
    case 'outside':
      return fallbackPolicy(answerer.ip, question.port) ?? notFound();
  }
}

/**
 * While the same object answers, its policy is followed; when another would, the proxy asks again. Streams about addresses outside
 * the cluster end with every change of an EgressNetwork.
 */
function questionOf(deps: OutboundDeps, target: Target): Question<typeof outbound.OutboundPolicySchema> {
  const answerer = find(deps, target);
  const key = answerer.kind === 'service' ? answerer.service.key : undefined;
  return {
    snapshot: () => policyOf(deps, find(deps, target), target),
    follow: (changed, end) => {
      const { services, routes, egress } = deps;
      const onService = () => {
        if (serviceOf(services, target)?.key === key) changed();
        else end();
      };
      const stops = 'ip' in target ? [services.onIp(target.ip, onService)] : [];
      if (key !== undefined)
        return [...stops, services.onService(key, onService), routes.onParent('service', key, changed)];
      if (answerer.kind === 'egressnetwork')
        stops.push(routes.onParent('egressnetwork', answerer.network.key, changed));
      return [...stops, egress.onChange(end)];
    },
  };
}
