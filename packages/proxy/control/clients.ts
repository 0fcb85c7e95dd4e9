import { destination, encodeTcpAddress, FEATURES, FEATURES_KEY, identity, inbound, outbound } from '#api/mesh';
import type { GrpcClient } from '#runtime/grpc';
import { decodeUpdate } from '../discover/decode/destination.ts';
import { decodeServer } from '../discover/decode/inbound.ts';
import { decodeOutbound } from '../discover/decode/outbound.ts';
import { decodeProfile } from '../discover/decode/profile.ts';
import type { IdentityClient, MeshClients, StreamSink } from '../discover/index.ts';
import type { CallMetrics } from './call-metrics.ts';

export interface MeshClientsOptions {
  readonly policy: { readonly channel: GrpcClient; readonly calls: CallMetrics };
  readonly destination: { readonly channel: GrpcClient; readonly calls: CallMetrics };
  /** `POLICY_WORKLOAD`, verbatim. */
  readonly workload: string;
  /** `DESTINATION_CONTEXT`, verbatim. */
  readonly context: string;
}

/** Servers that do not know the entry ignore it. */
const NAMING_FEATURES = { metadata: { [FEATURES_KEY]: FEATURES.join(',') } };

/** The streams of the control plane as the proxy's own types. */
export function createMeshClients(options: MeshClientsOptions): MeshClients {
  const { policy, workload, context: contextToken } = options;
  const dst = options.destination;
  return {
    watchPort: (port, sink) =>
      policy.channel.serverStream(
        inbound.InboundServerPolicies.method.watchPort,
        { workload, port },
        policy.calls.counted(mapped(sink, decodeServer)),
      ),
    watchOutbound: (target, sink) =>
      policy.channel.serverStream(
        outbound.OutboundPolicies.method.watch,
        { sourceWorkload: workload, target: wireTarget(target) },
        policy.calls.counted(mapped(sink, decodeOutbound)),
        NAMING_FEATURES,
      ),
    watchProfile: (path, sink) =>
      dst.channel.serverStream(
        destination.Destination.method.getProfile,
        { path, contextToken },
        dst.calls.counted(mapped(sink, decodeProfile)),
        NAMING_FEATURES,
      ),
    watchDestination: (path, sink) =>
      dst.channel.serverStream(
        destination.Destination.method.get,
        { path, contextToken },
        dst.calls.counted(mapped(sink, decodeUpdate)),
        NAMING_FEATURES,
      ),
  };
}

function wireTarget(target: { ip: string; port: number } | { authority: string }) {
  if ('authority' in target) return { case: 'authority', value: target.authority } as const;
  const value = encodeTcpAddress(target.ip, target.port);
  if (!value) throw new Error(`${target.ip} is no address`);
  return { case: 'addr', value } as const;
}

export function createIdentityClient(channel: GrpcClient, calls: CallMetrics): IdentityClient {
  return {
    async certify({ identity: name, token, csrDer }) {
      const answer = await calls.timed(() =>
        channel.unary(
          identity.Identity.method.certify,
          { identity: name, token, certificateSigningRequest: csrDer },
          { timeoutMs: CERTIFY_MS },
        ),
      );
      const { validUntil } = answer;
      if (!validUntil) throw new Error('the identity controller sent no time of expiry');
      return {
        leaf: answer.leafCertificate,
        intermediates: answer.intermediateCertificates,
        validUntilMs: Number(validUntil.seconds) * 1000 + validUntil.nanos / 1e6,
      };
    },
    watchTrust: (sink) => channel.serverStream(identity.Identity.method.watchTrust, {}, calls.counted(sink)),
  };
}

/** The controller asks the API server and signs; longer than that means something is stuck. */
const CERTIFY_MS = 30_000;

/** Messages that translate to nothing are left out. */
function mapped<W, T>(sink: StreamSink<T>, map: (wire: W) => T | undefined): StreamSink<W> {
  return {
    message: (wire) => {
      const value = map(wire);
      if (value !== undefined) sink.message(value);
    },
    ended: (error) => sink.ended(error),
  };
}
