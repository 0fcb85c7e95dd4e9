import { connect as connectTcp, type Socket } from 'node:net';
import { PODS, type Pod } from '#api/kube';
import { openForward } from '#kube/port-forward';
import { createGrpcClient, type GrpcClient } from '#runtime/grpc';
import { podReady } from '../../checks/pods.ts';
import { type CliContext, UserError } from '../../context.ts';

const DESTINATION_PORT = 8086;

/** A gRPC client of the destination controller: through a port-forward, or directly with --api-addr. */
export async function destinationClient(context: CliContext, pod?: string): Promise<GrpcClient> {
  const { apiAddr, linkerdNamespace } = context.flags;
  const authority = `linkerd-dst.${linkerdNamespace}.svc:${DESTINATION_PORT}`;
  if (apiAddr !== undefined) return createGrpcClient({ authority, connect: () => dial(apiAddr) });
  const { client, access } = await context.connect();
  const name = pod ?? (await readyPod(client, linkerdNamespace));
  const target = { namespace: linkerdNamespace, pod: name, port: DESTINATION_PORT };
  return createGrpcClient({ authority, connect: () => openForward(access, target) });
}

async function readyPod(
  client: { list: Awaited<ReturnType<CliContext['connect']>>['client']['list'] },
  namespace: string,
) {
  const { items } = await client.list<Pod>(PODS, {
    namespace,
    labelSelector: 'linkerd.io/control-plane-component=destination',
  });
  const found = items.find(podReady) ?? items.find(({ metadata }) => metadata.deletionTimestamp === undefined);
  if (!found?.metadata.name)
    throw new UserError(
      `no running pod of the destination controller in namespace ${namespace}; see \`linkerd check\``,
    );
  return found.metadata.name;
}

function dial(address: string): Promise<Socket> {
  const found = /^(?:\[([^\]]+)\]|([^:]+)):(\d+)$/.exec(address);
  if (!found) throw new UserError(`--api-addr: expected host:port, got "${address}"`);
  return new Promise((resolve, reject) => {
    const socket = connectTcp({ host: found[1] ?? found[2] ?? '', port: Number(found[3]) }, () => resolve(socket));
    socket.once('error', reject);
  });
}
