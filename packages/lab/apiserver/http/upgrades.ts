import type { Duplex } from 'node:stream';
import type { AnyObject } from '#api/kube';
import { ApiError, type PodRuntime } from '#lab/contract';
import { handleUpgrade, type StreamingKind } from '#lab/streaming';
import type { Resource } from '../resource.ts';
import type { Call } from './call.ts';
import type { ServerRequest } from './exchange.ts';
import type { Pipeline, StreamHandler } from './pipeline.ts';
import { presentOf } from './verbs.ts';

const KINDS: readonly string[] = ['exec', 'attach', 'portforward'] satisfies StreamingKind[];

/** Serves an upgraded connection: exec, attach or port-forward of a pod. Never rejects. */
export async function serveUpgrade(
  pipeline: Pipeline,
  podRuntime: () => PodRuntime | undefined,
  request: ServerRequest,
  socket: Duplex,
  head: Uint8Array,
): Promise<void> {
  // A client that breaks off ends its own streams; there is nobody left to tell.
  socket.on('error', () => undefined);
  try {
    const { call, resource } = await pipeline.admitUpgrade(request);
    const kind = call.info.subresource as StreamingKind;
    if (resource.storage !== '/pods' || !KINDS.includes(kind))
      throw ApiError.of('BadRequest', 'this path does not switch protocols');
    const pod = presentOf(call, resource);
    assertPlaced(pod);
    const target = { pod, query: call.info.query };
    await handleUpgrade(kind, target, request, socket, head, runtimeOf(podRuntime));
  } catch (error) {
    const known = error instanceof ApiError ? error : ApiError.of('InternalError', (error as Error).message);
    refuse(socket, known);
  }
}

/** What exec, attach and portforward answer to a request that asks for no upgrade. */
export const needsUpgrade: StreamHandler = async (call: Call, resource: Resource) => {
  presentOf(call, resource);
  throw ApiError.of('BadRequest', 'Upgrade request required');
};

/** The nodes' side of streams. @throws ApiError 503 while no node is up */
export function runtimeOf(podRuntime: () => PodRuntime | undefined): PodRuntime {
  const runtime = podRuntime();
  if (!runtime) throw ApiError.of('ServiceUnavailable', 'no node of this cluster runs pods');
  return runtime;
}

function assertPlaced(pod: AnyObject): void {
  if ((pod['spec'] as { nodeName?: string } | undefined)?.nodeName) return;
  throw ApiError.of('BadRequest', `pod ${pod.metadata.name} does not have a host assigned`);
}

function refuse(socket: Duplex, { status, code }: ApiError): void {
  const body = JSON.stringify(status);
  const head = [
    `HTTP/1.1 ${code} ${status.reason ?? 'Error'}`,
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}
