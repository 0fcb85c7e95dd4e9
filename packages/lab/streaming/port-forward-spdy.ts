import type { Duplex } from 'node:stream';
import type { AnyObject } from '#api/kube';
import type { PodRuntime } from '../contract/index.ts';
import { LIMITS } from './limits.ts';
import { forward } from './port-forward.ts';
import { SpdySession, type SpdyStream } from './spdy/index.ts';

interface Pair {
  error?: SpdyStream;
  data?: SpdyStream;
  timer: NodeJS.Timeout;
}

/**
 * Serves port-forward on a SPDY connection (plain or inside WebSocket): a pair of streams, `error` and `data`, per forwarded
 * connection, tied by `requestid`. Settles when the connection ended.
 */
export async function servePortForwardSpdy(
  pod: AnyObject,
  socket: Duplex,
  head: Uint8Array,
  runtime: PodRuntime,
): Promise<void> {
  const pairs = new Map<string, Pair>();
  const session = new SpdySession(socket, (stream) => {
    const type = stream.headers['streamtype'];
    const port = Number(stream.headers['port']);
    if ((type !== 'error' && type !== 'data') || !Number.isInteger(port) || port < 1 || port > 65_535) return false;
    const id = requestId(stream, type);
    const pair = pairs.get(id) ?? { timer: setTimeout(() => giveUp(pairs, id), LIMITS.streamSetupTimeoutMs) };
    pairs.set(id, pair);
    if (pair[type]) return false;
    pair[type] = stream;
    if (type === 'error') stream.resume();
    if (pair.error && pair.data) {
      clearTimeout(pair.timer);
      pairs.delete(id);
      void forward(pod, { port, data: pair.data, error: pair.error }, runtime);
    }
    return {};
  });
  await session.run(head);
  for (const { timer } of pairs.values()) clearTimeout(timer);
}

/** Old clients send no id: they open the error stream, then its data stream with the next odd number. */
function requestId(stream: SpdyStream, type: 'error' | 'data'): string {
  return stream.headers['requestid'] ?? `#${type === 'error' ? stream.streamId : stream.streamId - 2}`;
}

function giveUp(pairs: Map<string, Pair>, id: string): void {
  const pair = pairs.get(id);
  pairs.delete(id);
  pair?.error?.destroy();
  pair?.data?.destroy();
}
