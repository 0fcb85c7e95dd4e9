import { destination, encodeTcpAddress, identity, inbound, outbound } from '#api/mesh';
import type { GrpcClient } from '#runtime/grpc';
import { decodeProfile, decodeUpdate } from '../discover/decode/destination.ts';
import { decodeServer, type ServerDecoding } from '../discover/decode/inbound.ts';
import { decodeOutbound } from '../discover/decode/outbound.ts';
import type { IdentityClient, MeshClients, StreamSink } from '../discover/index.ts';
import type { CallMetrics } from './call-metrics.ts';

export interface MeshClientsOptions {
  readonly policy: { readonly channel: GrpcClient; readonly calls: CallMetrics };
  readonly destination: { readonly channel: GrpcClient; readonly calls: CallMetrics };
  /** `POLICY_WORKLOAD`, verbatim. */
  readonly workload: string;
  /** `DESTINATION_CONTEXT`, verbatim. */
  readonly context: string;
  readonly decoding: ServerDecoding;
}

/** The streams of the control plane as the proxy's own types. */
export function createMeshClients(options: MeshClientsOptions): MeshClients {
  const { policy, workload, context: contextToken } = options;
  const dst = options.destination;
  return {
    watchPort: (port, sink) =>
      policy.channel.serverStream(
        inbound.InboundServerPolicies.method.watchPort,
        { workload, port },
        policy.calls.counted(mapped(sink, (server: inbound.Server) => decodeServer(server, options.decoding))),
      ),
    watchOutbound: ({ ip, port }, sink) => {
      const addr = encodeTcpAddress(ip, port);
      if (!addr) throw new Error(`${ip} is no address`);
      return policy.channel.serverStream(
        outbound.OutboundPolicies.method.watch,
        { sourceWorkload: workload, target: { case: 'addr', value: addr } },
        policy.calls.counted(mapped(sink, decodeOutbound)),
      );
    },
    watchProfile: (path, sink) =>
      dst.channel.serverStream(
        destination.Destination.method.getProfile,
        { path, contextToken },
        dst.calls.counted(mapped(sink, decodeProfile)),
      ),
    watchDestination: (path, sink) =>
      dst.channel.serverStream(
        destination.Destination.method.get,
        { path, contextToken },
        dst.calls.counted(mapped(sink, decodeUpdate)),
      ),
  };
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
