/** Destination.GetProfile: from an address or name to a stream of profiles. */
import { isIP } from 'node:net';
import { create } from '@bufbuild/protobuf';
import { decodeIp, destination, encodeIp } from '#api/mesh';
import { parseAuthority, parseContextToken, parseServiceName, type ServiceName, serviceFqdn } from '#model/names';
import { GrpcError, type ResponseStream } from '#runtime/grpc';
import { Answers, keyOf, type Question } from '../../fold/index.ts';
import { exportedBy } from '../../gateways/index.ts';
import type { ClusterIndex, ServiceRecord } from '../cluster/index.ts';
import { knownKindOf } from '../discovery-kind.ts';
import type { FlatPods } from './flat-pods.ts';
import { addressProfile, type ProfileConfig, serviceProfile } from './snapshot.ts';

/** Counts what happens; see the metrics profile_*, service_subscribers and workload_*. */
export interface ProfileObserver {
  /** A target is followed from now on. */
  follow(subject: ProfileSubject): FollowedProfile;
  coalesced(): void;
}

export interface FollowedProfile {
  /** A stream came (1) or went (-1). */
  subscribers(change: 1 | -1): void;
  updated(): void;
  /** Nobody follows it any more. */
  stop(): void;
}

/** What a profile is about: a service, or an address. */
export type ProfileSubject = { kind: 'service'; namespace: string; name: string } | { kind: 'address' };

export interface GetProfileDeps {
  index: ClusterIndex;
  flat: FlatPods;
  config: ProfileConfig;
  observer: ProfileObserver;
}

type ProfileStream = ResponseStream<typeof destination.DestinationProfileSchema>;
type ProfileQuestion = Question<typeof destination.DestinationProfileSchema>;

/** A target as a client asks for it. */
interface Target {
  host: string;
  port: number;
  /** Empty: unknown. */
  clientNamespace: string;
  /** Of a gateway: selector of the Services that it may reach. */
  services: string | undefined;
}

/** The streams of profiles; those that ask for the same share its answer. */
export class ProfileStreams {
  readonly #deps: GetProfileDeps;
  readonly #answers: Answers<typeof destination.DestinationProfileSchema>;

  constructor(deps: GetProfileDeps) {
    this.#deps = deps;
    this.#answers = new Answers(destination.DestinationProfileSchema, () => deps.observer.coalesced());
  }

  /** Serves one stream. Throws GrpcError when the request cannot be answered. */
  serve(request: destination.GetDestination, stream: ProfileStream): void {
    const authority = parseAuthority(request.path);
    if (!authority) throw new GrpcError('INVALID_ARGUMENT', `invalid authority: "${request.path}"`);
    const { port } = authority;
    const { ns: clientNamespace, services } = parseContextToken(request.contextToken);
    // Two spellings of one IPv6 address are one address.
    const ip = isIP(authority.host) ? (decodeIp(encodeIp(authority.host)) ?? authority.host) : undefined;
    const target = { host: ip ?? authority.host, port, clientNamespace, services };
    const ask = () => (ip ? aboutIp(this.#deps, target) : aboutExported(this.#deps, target));
    this.#answers.serve(JSON.stringify(target), ask, stream);
  }
}

/** The Service that has the IP as its own, or whatever pod or workload is there; either may come and go. */
function aboutIp(deps: GetProfileDeps, { host: ip, port, clientNamespace }: Target): ProfileQuestion {
  const { index, config } = deps;
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
        : addressProfile(deps, ip, port);
    },
    follow: (changed) => {
      const own = followService(index, config, clientNamespace, changed);
      const refresh = () => {
        own.set(index.servicesByIp(ip)[0]);
        changed();
      };
      own.set(index.servicesByIp(ip)[0]);
      return [index.onIp(ip, refresh), deps.flat.on(ip, changed), own.stop];
    },
    observer: deps.observer.follow(subjectOf(serviceAt())),
  };
}

const NOT_EXPORTED = create(destination.DestinationProfileSchema, { notExported: true });

/** Of what a gateway may not reach it learns nothing, not even whether it is there. When that changes, it asks again. */
function aboutExported(deps: GetProfileDeps, target: Target): ProfileQuestion {
  const { index, config } = deps;
  const name = parseServiceName(target.host, config.clusterDomain);
  if (target.services === undefined || !name) return aboutName(deps, target);
  const key = keyOf(name.namespace, name.name);
  const takes = exportedBy(target.services);
  const isExported = (): boolean => takes(index.service(key)?.labels ?? {});
  const first = isExported();
  const about: ProfileQuestion = first
    ? aboutName(deps, target)
    : { snapshot: () => NOT_EXPORTED, follow: () => [], observer: deps.observer.follow({ kind: 'address' }) };
  return {
    ...about,
    follow: (changed, end) => [
      ...about.follow(changed, end),
      index.onService(key, () => {
        if (isExported() !== first) end();
      }),
    ],
  };
}

function aboutName(deps: GetProfileDeps, { host, port, clientNamespace }: Target): ProfileQuestion {
  const { index, config } = deps;
  const name = parseServiceName(host, config.clusterDomain);
  if (!name) throw new GrpcError('INVALID_ARGUMENT', `invalid service "${host}"`);
  if (name.instance !== undefined) return aboutInstance(deps, name, name.instance, port);
  const key = keyOf(name.namespace, name.name);
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
    observer: deps.observer.follow(subjectOf(first)),
  };
}

/** The pod that a headless Service knows by a host name, wherever it is started next; in a linked cluster, where it has pods there. */
function aboutInstance(deps: GetProfileDeps, name: ServiceName, hostname: string, port: number): ProfileQuestion {
  const { index, flat } = deps;
  const key = keyOf(name.namespace, name.name);
  const ipOf = () => ipByHostname(index, key, hostname);
  const first = ipOf();
  if (first === undefined)
    throw new GrpcError('NOT_FOUND', `no pod found in EndpointSlices of Service ${key} for hostname ${hostname}`);
  let ip = first;
  return {
    snapshot: () => {
      ip = ipOf() ?? ip;
      return addressProfile(deps, ip, port);
    },
    follow: (changed) => {
      let followed = ip;
      const followIp = (): (() => void) => {
        const stops = [index.onIp(followed, changed), flat.on(followed, changed)];
        return () => {
          for (const each of stops) each();
        };
      };
      let stop = followIp();
      const moved = () => {
        const now = ipOf() ?? followed;
        if (now === followed) return;
        followed = now;
        stop();
        stop = followIp();
        changed();
      };
      return [index.onEndpoints(key, moved), () => stop()];
    },
    observer: deps.observer.follow({ kind: 'address' }),
  };
}

function ipByHostname(index: ClusterIndex, serviceKey: string, hostname: string): string | undefined {
  const service = index.service(serviceKey);
  const isOfClusters = service !== undefined && knownKindOf(service)?.kind !== 'local';
  for (const slice of index.slices(serviceKey))
    for (const endpoint of slice.endpoints) {
      if (endpoint.hostname !== hostname) continue;
      // Slices of what linked clusters have point to no objects here.
      if (!endpoint.target && isOfClusters) return endpoint.address;
      const pod = endpoint.target?.kind === 'Pod' ? index.pod(endpoint.target.key) : undefined;
      if (pod) return pod.ips[0];
    }
  return undefined;
}

const subjectOf = (service: ServiceRecord | undefined): ProfileSubject =>
  service ? { kind: 'service', namespace: service.namespace, name: service.name } : { kind: 'address' };

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
