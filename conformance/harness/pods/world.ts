/**
 * A control plane in the test's own process: the real gRPC contract, and answers that the test sets and changes while proxies
 * watch. Every pod asks it on its own loopback.
 */
import type { DescMessage, MessageInitShape } from '@bufbuild/protobuf';
import { decodeTcpAddress, destination, FEATURES_KEY, identity, inbound, outbound } from '#api/mesh';
import { collector, type trace } from '#api/otlp';
import { publicKeyOf, TestCa } from '#proxy/testing';
import { createGrpcServer, GrpcError, type GrpcServer, type ResponseStream } from '#runtime/grpc';
import {
  adding,
  type Endpoint,
  everyone,
  type PolicyOptions,
  removing,
  servicePolicy,
  weightedAddr,
} from '../messages/index.ts';

type OutboundPolicy = MessageInitShape<typeof outbound.OutboundPolicySchema>;
type ServerPolicy = MessageInitShape<typeof inbound.ServerSchema>;
type Profile = MessageInitShape<typeof destination.DestinationProfileSchema>;

const CERTIFICATE_MS = 600_000;

/** A value and the streams that want to hear of it; `undefined` until it is set. */
class Topic<O extends DescMessage> {
  #value: MessageInitShape<O> | undefined;
  readonly #streams = new Set<ResponseStream<O>>();

  get watchers(): number {
    return this.#streams.size;
  }

  get value(): MessageInitShape<O> | undefined {
    return this.#value;
  }

  set(value: MessageInitShape<O>): void {
    this.#value = value;
    for (const stream of this.#streams) stream.write(value);
  }

  /** Without a value: `absent` answers instead, or nothing does. */
  watch(stream: ResponseStream<O>, absent: MessageInitShape<O> | GrpcError | undefined): void {
    const value = this.#value ?? absent;
    if (value instanceof GrpcError) {
      stream.end(value);
      return;
    }
    if (value) stream.write(value);
    this.#streams.add(stream);
    stream.onClose(() => this.#streams.delete(stream));
  }
}

const inTable = <T>(table: Map<string, T>, key: string, make: () => T): T => {
  const found = table.get(key) ?? make();
  table.set(key, found);
  return found;
};

/** Who signs a certificate and for how long. */
export interface Issue {
  readonly ca: TestCa;
  readonly validMs: number;
}

/** A span and the service that it came from. */
export type SeenSpan = trace.Span & { readonly service: string };

/** What the scripted control plane says, and who asks. */
export class World {
  readonly ca = new TestCa();
  /** How an identity is certified; a scenario may say otherwise. GrpcError: not at all. */
  issue: (identity: string) => Issue | GrpcError = () => ({ ca: this.ca, validMs: CERTIFICATE_MS });
  /** Everything that proxies with a collector sent to it. */
  readonly spans: SeenSpan[] = [];
  /** What proxies that asked for policies said of the features they know, each once. */
  readonly features = new Set<string>();
  /** Endpoints of each destination, by address. */
  readonly #endpoints = new Map<string, Map<string, Endpoint>>();
  readonly #destinations = new Map<string, Set<ResponseStream<typeof destination.UpdateSchema>>>();
  readonly #policies = new Map<string, Topic<typeof outbound.OutboundPolicySchema>>();
  readonly #profiles = new Map<string, Topic<typeof destination.DestinationProfileSchema>>();
  readonly #ports = new Map<string, Topic<typeof inbound.ServerSchema>>();

  readonly #silent = new Set<string>();

  /** How connections to `10.96.0.1:80` are treated. */
  policy(addr: string, policy: OutboundPolicy): void {
    inTable(this.#policies, addr, () => new Topic()).set(policy);
  }

  /** Profile of an address or of a name with port. */
  profile(target: string, profile: Profile): void {
    inTable(this.#profiles, target, () => new Topic()).set(profile);
  }

  /**
   * A service at an address such as `10.96.0.1:80`: its endpoints, known by a path such as `web.a.svc.cluster.local:80`, and how they
   * are reached.
   */
  service(addr: string, path: string, endpoints: readonly Endpoint[], options?: PolicyOptions): void {
    this.endpoints(path, endpoints);
    this.policy(addr, servicePolicy(path, options));
  }

  /** Profile of an address that is no service's but one endpoint's. */
  profileOfEndpoint(target: string, endpoint: Endpoint): void {
    this.profile(target, { endpoint: weightedAddr(endpoint) });
  }

  /** What a port of a pod accepts; by default everyone, HTTP by looking. */
  port(pod: string, port: number, policy: ServerPolicy): void {
    inTable(this.#ports, `${pod} ${port}`, () => new Topic()).set(policy);
  }

  /** Nothing is said of a port until `port` is called for it. */
  keepSilent(pod: string, port: number): void {
    this.#silent.add(`${pod} ${port}`);
  }

  /** Sets the endpoints of a destination such as `web.a.svc.cluster.local:80`; watchers hear what was added and what removed. */
  endpoints(path: string, endpoints: readonly Endpoint[]): void {
    const before = inTable(this.#endpoints, path, () => new Map<string, Endpoint>());
    const after = new Map(endpoints.map((each) => [`${each.ip}:${each.port}`, each]));
    const gone = [...before].filter(([key]) => !after.has(key)).map(([, endpoint]) => endpoint);
    const added = endpoints.filter((each) => {
      const old = before.get(`${each.ip}:${each.port}`);
      return JSON.stringify(old) !== JSON.stringify(each);
    });
    this.#endpoints.set(path, after);
    for (const stream of this.#destinations.get(path) ?? []) {
      if (added.length > 0) stream.write(adding(added));
      if (gone.length > 0) stream.write(removing(gone));
    }
  }

  /** How many streams are open that hear of an address's policy and profile, of a path's endpoints, or of a pod's port (`web 80`). */
  watchers(of: 'policy' | 'profile' | 'endpoints' | 'port', key: string): number {
    if (of === 'endpoints') return this.#destinations.get(key)?.size ?? 0;
    const topics = { policy: this.#policies, profile: this.#profiles, port: this.#ports }[of];
    return topics.get(key)?.watchers ?? 0;
  }

  /** Serves one pod: `listen` is called where its loopback is. */
  async serve(pod: string, inside: <T>(listen: () => T) => T): Promise<{ port: number; server: GrpcServer }> {
    const server = createGrpcServer({ onBug: (method, error) => console.error(method, error) });
    server.unary(identity.Identity.method.certify, (request) => {
      const issue = this.issue(request.identity);
      if (issue instanceof GrpcError) throw issue;
      const { ca, validMs } = issue;
      return {
        leafCertificate: ca.sign(request.identity, publicKeyOf(request.certificateSigningRequest), validMs),
        intermediateCertificates: [],
        validUntil: { seconds: BigInt(Math.floor((Date.now() + validMs) / 1000)), nanos: 0 },
      };
    });
    server.unary(collector.TraceService.method.export, (request) => {
      for (const { resource, scopeSpans } of request.resourceSpans) {
        const name = resource?.attributes.find(({ key }) => key === 'service.name')?.value?.value;
        const service = name?.case === 'stringValue' ? name.value : '';
        for (const { spans } of scopeSpans) this.spans.push(...spans.map((span) => ({ ...span, service })));
      }
      return {};
    });
    server.serverStream(inbound.InboundServerPolicies.method.watchPort, (request, stream) => {
      const key = `${pod} ${request.port}`;
      const topic = inTable(this.#ports, key, () => new Topic<typeof inbound.ServerSchema>());
      topic.watch(stream, this.#silent.has(key) ? undefined : everyone());
    });
    server.serverStream(outbound.OutboundPolicies.method.watch, (request, stream, context) => {
      this.features.add(context.metadata(FEATURES_KEY) ?? '');
      const { target } = request;
      const key = target.case === 'addr' ? decodeTcpAddress(target.value) : target.value;
      const topic = inTable(this.#policies, key ?? '', () => new Topic<typeof outbound.OutboundPolicySchema>());
      topic.watch(stream, new GrpcError('NOT_FOUND', 'No such service'));
    });
    server.serverStream(destination.Destination.method.getProfile, (request, stream) =>
      inTable(this.#profiles, request.path, () => new Topic<typeof destination.DestinationProfileSchema>()).watch(
        stream,
        {},
      ),
    );
    server.serverStream(destination.Destination.method.get, (request, stream) => {
      const known = this.#endpoints.get(request.path);
      if (!known) {
        stream.end(new GrpcError('NOT_FOUND', `no service ${request.path}`));
        return;
      }
      const watchers = inTable(this.#destinations, request.path, () => new Set());
      watchers.add(stream);
      stream.onClose(() => watchers.delete(stream));
      if (known.size > 0) stream.write(adding([...known.values()]));
    });
    const { port } = await inside(() => server.listen({ host: '127.0.0.1', port: 0 }));
    return { port, server };
  }
}
