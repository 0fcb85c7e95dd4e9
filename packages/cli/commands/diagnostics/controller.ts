import { connect as connectTcp, type Socket } from 'node:net';
import { PODS, type Pod } from '#api/kube';
import { openForward } from '#kube/port-forward';
import { createGrpcClient, type GrpcClient } from '#runtime/grpc';
import { podReady } from '../../checks/pods.ts';
import { type CliContext, UserError } from '../../context.ts';

const DESTINATION_PORT = 8086;

/** A server among the containers of linkerd-destination. */
interface Server {
  service: string;
  port: number;
  /** Which replica; any ready one unless told. */
  pod?: string;
}

/** A gRPC client of the destination controller. */
export const destinationClient = (context: CliContext, pod?: string): Promise<GrpcClient> =>
  controllerClient(context, { service: 'linkerd-dst', port: DESTINATION_PORT, ...(pod !== undefined && { pod }) });

/** A gRPC client of a server: through a port-forward, or directly with --api-addr. */
export async function controllerClient(context: CliContext, { service, port, pod }: Server): Promise<GrpcClient> {
  const { apiAddr, linkerdNamespace } = context.flags;
  const authority = `${service}.${linkerdNamespace}.svc:${port}`;
  if (apiAddr !== undefined) return createGrpcClient({ authority, connect: () => dial(apiAddr) });
  const { client, access } = await context.connect();
  const name = pod ?? (await readyPod(client, linkerdNamespace));
  const target = { namespace: linkerdNamespace, pod: name, port };
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
