/** Destination.GetProfile: from an address or name to a stream of profiles. */
import { isIP } from 'node:net';
import { decodeIp, destination, encodeIp } from '#api/mesh';
import { parseAuthority, parseContextToken, parseServiceName, serviceFqdn } from '#model/names';
import { GrpcError, type ResponseStream } from '#runtime/grpc';
import { keyOf, type Question, streamSnapshots } from '../../fold/index.ts';
import type { ClusterIndex, ServiceRecord } from '../cluster/index.ts';
import { addressProfile, type ProfileConfig, podByHostname, serviceProfile } from './snapshot.ts';
import { ProfileError } from './translate.ts';

export interface GetProfileDeps {
  index: ClusterIndex;
  config: ProfileConfig;
  coalesced(): void;
  /** A ServiceProfile cannot be translated: what was sent before stays. */
  invalidProfile(target: string, reason: string): void;
}

type ProfileStream = ResponseStream<typeof destination.DestinationProfileSchema>;

type ProfileQuestion = Question<typeof destination.DestinationProfileSchema>;

/** Serves one stream. Throws GrpcError when the request cannot be answered. */
export function serveGetProfile(
  deps: GetProfileDeps,
  request: destination.GetDestination,
  stream: ProfileStream,
): void {
  const authority = parseAuthority(request.path);
  if (!authority) throw new GrpcError('INVALID_ARGUMENT', `invalid authority: "${request.path}"`);
  const { host, port } = authority;
  const clientNamespace = parseContextToken(request.contextToken).ns;
  // Two spellings of one IPv6 address are one address.
  const ip = isIP(host) ? (decodeIp(encodeIp(host)) ?? host) : undefined;
  const question = ip ? aboutIp(deps, ip, port, clientNamespace) : aboutName(deps, host, port, clientNamespace);
  const schema = destination.DestinationProfileSchema;
  streamSnapshots(schema, tolerant(deps, request.path, question), stream, deps.coalesced);
}

/** An invalid ServiceProfile gives no answer, so that the last good one stays. */
function tolerant(deps: GetProfileDeps, target: string, question: ProfileQuestion): ProfileQuestion {
  return {
    ...question,
    snapshot: () => {
      try {
        return question.snapshot();
      } catch (error) {
        if (!(error instanceof ProfileError)) throw error;
        deps.invalidProfile(target, error.message);
        return undefined;
      }
    },
  };
}

/** The Service that has the IP as its own, or whatever pod or workload is there; either may come and go. */
function aboutIp(
  { index, config }: GetProfileDeps,
  ip: string,
  port: number,
  clientNamespace: string,
): ProfileQuestion {
  const serviceAt = (): ServiceRecord | undefined => {
    const claims = index.servicesByIp(ip);
    if (claims.length > 1)
      throw new GrpcError('FAILED_PRECONDITION', `found ${claims.length} services with a conflicting cluster IP ${ip}`);
    return claims[0];
  };
  return {
    snapshot: () => {
      const service = serviceAt();
      return service
        ? serviceProfile(index, { service, port, clientNamespace }, config)
        : addressProfile(index, ip, port, config);
    },
    follow: (changed) => {
      const own = followService(index, config, clientNamespace, changed);
      const refresh = () => {
        own.set(index.servicesByIp(ip)[0]);
        changed();
      };
      own.set(index.servicesByIp(ip)[0]);
      return [index.onIp(ip, refresh), own.stop];
    },
  };
}

function aboutName(
  { index, config }: GetProfileDeps,
  host: string,
  port: number,
  clientNamespace: string,
): ProfileQuestion {
  const name = parseServiceName(host, config.clusterDomain);
  if (!name) throw new GrpcError('INVALID_ARGUMENT', `invalid service "${host}"`);
  const key = keyOf(name.namespace, name.name);
  if (name.instance !== undefined) {
    const ip = podByHostname(index, key, name.instance).ips[0];
    if (ip === undefined) throw new GrpcError('NOT_FOUND', `pod ${name.instance} of Service ${key} has no IP yet`);
    return { snapshot: () => addressProfile(index, ip, port, config), follow: (changed) => [index.onIp(ip, changed)] };
  }
  const first = index.service(key);
  // Upstream answers with an unclassified error, which proxies retry.
  if (!first) throw new GrpcError('UNKNOWN', `service "${key}" not found`);
  if (first.externalName) throw new GrpcError('INVALID_ARGUMENT', `Invalid authority: ${host}`);
  let service = first;
  return {
    snapshot: () => {
      // A Service that is deleted keeps its last profile: connections to it go on until its endpoints are gone.
      service = index.service(key) ?? service;
      return serviceProfile(index, { service, port, clientNamespace }, config);
    },
    follow: (changed) => {
      const own = followService(index, config, clientNamespace, changed);
      own.set(first);
      return [own.stop];
    },
  };
}

/** Follows a Service and the two ServiceProfiles that may apply to it; `set` moves to another Service. */
function followService(index: ClusterIndex, config: ProfileConfig, clientNamespace: string, changed: () => void) {
  let followed: string | undefined;
  let stops: (() => void)[] = [];
  const stop = () => {
    for (const each of stops) each();
    stops = [];
  };
  return {
    stop,
    set(service: ServiceRecord | undefined): void {
      if (service?.key === followed) return;
      stop();
      followed = service?.key;
      if (!service) return;
      const fqdn = serviceFqdn(service, config.clusterDomain);
      const namespaces = new Set([clientNamespace, service.namespace].filter((namespace) => namespace !== ''));
      stops = [
        index.onService(service.key, changed),
        ...[...namespaces].map((namespace) => index.onProfile(keyOf(namespace, fqdn), changed)),
      ];
    },
  };
}
