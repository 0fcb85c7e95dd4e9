/** InboundServerPolicies: GetPort and WatchPort. */
import { inbound } from '#api/mesh';
import { parseWorkloadToken, type WorkloadToken } from '#model/names';
import { GrpcError, type GrpcServer } from '#runtime/grpc';
import { streamSnapshots } from '../../fold/index.ts';
import { type InboundConfig, InboundPolicies } from './server.ts';
import type { InboundView } from './view.ts';

export interface InboundDeps {
  view: InboundView;
  config: InboundConfig;
  coalesced(): void;
}

/** Adds the methods to a server. */
export function serveInbound({ view, config, coalesced }: InboundDeps, server: GrpcServer): void {
  const policies = new InboundPolicies(view, config);
  const answer = (token: WorkloadToken, port: number): inbound.Server | undefined => {
    const subject = view.subject(token);
    return subject && policies.of(subject, port);
  };
  server.unary(inbound.InboundServerPolicies.method.getPort, (spec) => {
    const { token, port } = readSpec(spec);
    return answer(token, port) ?? unknownServer();
  });
  server.serverStream(inbound.InboundServerPolicies.method.watchPort, (spec, stream) => {
    const { token, port } = readSpec(spec);
    const snapshot = (): inbound.Server | undefined => answer(token, port);
    if (!snapshot()) unknownServer();
    const follow = (changed: () => void) => [
      // The watch of a workload that is gone is complete.
      view.onPort(token, port, () => (view.subject(token) ? changed() : stream.end())),
    ];
    streamSnapshots(inbound.ServerSchema, { snapshot, follow }, stream, coalesced);
  });
}

function readSpec({ workload, port }: inbound.PortSpec): { token: WorkloadToken; port: number } {
  const token = parseWorkloadToken(workload);
  if (!token) throw new GrpcError('INVALID_ARGUMENT', `workload: expected {"ns":…,"pod":…}, got "${workload}"`);
  if (port < 1 || port > 65535) throw new GrpcError('INVALID_ARGUMENT', `port: expected 1 to 65535, got ${port}`);
  return { token, port };
}

function unknownServer(): never {
  throw new GrpcError('NOT_FOUND', 'unknown server');
}
