import type { Http2Connection, Http2Stream } from '#wire/http2';
import type { HeldPart } from '../tcp/index.ts';

/** The streams of a connection in which at least so many octets wait; many clients may share it, of whom only some stand still. */
export function queuedParts<T>(
  connection: Pick<Http2Connection<T>, 'streams'>,
  bytesMin: number,
  drop: (stream: Http2Stream<T>) => void,
): HeldPart[] {
  const parts: HeldPart[] = [];
  for (const stream of connection.streams()) {
    const { queuedBytes } = stream;
    if (queuedBytes < bytesMin) continue;
    const part = { of: stream, bytes: queuedBytes, unsentBytes: queuedBytes };
    parts.push({ ...part, progress: () => stream.queuedBytes, drop: () => drop(stream) });
  }
  return parts;
}
