import net, { type AddressInfo } from 'node:net';
import type { Random } from '#runtime/random';
import { BodyReader, BodyWriter } from './script.fake.ts';

const SIZES = [0, 1, 300, 20_000, 70_000, 400_000, 1_500_000];
const FATES = ['whole', 'slow', 'app-resets', 'client-resets', 'client-leaves'] as const;

/** What one connection of bytes is like; its first line says so to the application. */
export interface BytesScript {
  readonly id: number;
  readonly up: number;
  readonly down: number;
  readonly fate: (typeof FATES)[number];
  readonly waitMs: number;
}

export function randomBytesScript(id: number, random: Random): BytesScript {
  const size = (): number => SIZES[Math.floor(random() * SIZES.length)]!;
  const fate = random() < 0.5 ? 'whole' : FATES[Math.floor(random() * FATES.length)]!;
  return { id, up: size(), down: size(), fate, waitMs: Math.floor(random() * 10) };
}

/** Whether each side got all that the other sent, and its end. */
interface Side {
  readonly reader: BodyReader;
  ended: boolean;
  closed: boolean;
}

/** Sends its bytes and its end, reads the other's. */
function exchange(socket: net.Socket, id: number, bytes: number, slow: boolean): Side {
  const side: Side = { reader: new BodyReader(id), ended: false, closed: false };
  const writer = new BodyWriter(
    id,
    bytes,
    (part) => socket.write(part),
    () => socket.end(),
  );
  socket.on('data', (chunk: Buffer) => {
    side.reader.take(chunk, 0, chunk.length);
    if (!slow) return;
    socket.pause();
    setTimeout(() => socket.resume(), 1);
  });
  socket.on('drain', () => writer.drained());
  socket.on('end', () => {
    side.ended = true;
  });
  socket.on('close', () => {
    side.closed = true;
    writer.stop();
  });
  writer.pump();
  return side;
}

export interface BytesApp {
  readonly port: number;
  /** What was wrong with what came, and how many came whole. */
  readonly wrong: string[];
  readonly whole: Set<number>;
  close(): void;
}

const SWITCH = 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: chaos\r\n\r\n';

/** An application that speaks as the first line of a connection says: `chaos {...}`, or a request of HTTP/1 to switch to that. */
export async function startBytesApp(): Promise<BytesApp> {
  const sockets = new Set<net.Socket>();
  const wrong: string[] = [];
  const whole = new Set<number>();
  const serve = (socket: net.Socket, { id, up, down, fate, waitMs }: BytesScript, rest: Buffer): void => {
    const side = exchange(socket, id, down, fate === 'slow');
    side.reader.take(rest, 0, rest.length);
    if (fate === 'app-resets') setTimeout(() => socket.resetAndDestroy(), waitMs);
    socket.on('end', () => {
      const { bytes, isRight } = side.reader;
      if (!isRight || bytes > up || (bytes < up && (fate === 'whole' || fate === 'slow')))
        wrong.push(`${id} (${fate}): ${bytes} of ${up} up`);
      if (bytes === up) whole.add(id);
    });
  };
  const server = net.createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    let first = Buffer.alloc(0);
    // A client that left before it said what it wants.
    const onEnd = (): void => {
      socket.end();
    };
    socket.on('end', onEnd);
    const onData = (chunk: Buffer): void => {
      first = Buffer.concat([first, chunk]);
      const isHttp = first.toString('latin1', 0, 3) === 'GET';
      const end = first.indexOf(isHttp ? '\r\n\r\n' : '\n');
      if (end < 0) return;
      socket.off('data', onData);
      socket.off('end', onEnd);
      const script = /\{.*\}/.exec(decodeURIComponent(first.toString('latin1', 0, end)))?.[0] ?? '{}';
      if (isHttp) socket.write(SWITCH);
      serve(socket, JSON.parse(script) as BytesScript, first.subarray(end + (isHttp ? 4 : 1)));
    };
    socket.on('data', onData);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    wrong,
    whole,
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** Runs one connection to its end; what was wrong with it, '' for nothing. */
export function runBytes(port: number, script: BytesScript, upgrades: boolean): Promise<string> {
  const socket = net.connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
  const text = JSON.stringify(script);
  const target = encodeURIComponent(text);
  const { id, up, down, fate, waitMs } = script;
  return new Promise((resolve) => {
    let side: Side | undefined;
    const begin = (rest: Buffer): void => {
      side = exchange(socket, id, up, fate === 'slow');
      side.reader.take(rest, 0, rest.length);
      if (fate === 'client-resets') setTimeout(() => socket.resetAndDestroy(), waitMs);
      if (fate === 'client-leaves') setTimeout(() => socket.destroy(), waitMs);
    };
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      const { bytes = 0, isRight = true } = side?.reader ?? {};
      const isWhole = side?.ended === true && bytes === down;
      if (!isRight || bytes > down) resolve(`${id}: others than sent, or more (${bytes} of ${down})`);
      else if ((fate === 'whole' || fate === 'slow') && !isWhole) resolve(`${id} (${fate}): ${bytes} of ${down} down`);
      else resolve('');
    });
    if (!upgrades) {
      socket.write(`chaos ${text}\n`);
      begin(Buffer.alloc(0));
      return;
    }
    socket.write(`GET /${target} HTTP/1.1\r\nhost: web.a\r\nconnection: upgrade\r\nupgrade: chaos\r\n\r\n`);
    let head = Buffer.alloc(0);
    const onData = (chunk: Buffer): void => {
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf('\r\n\r\n');
      if (end < 0) return;
      socket.off('data', onData);
      if (head.toString('latin1', 9, 12) === '101') begin(head.subarray(end + 4));
      else socket.destroy();
    };
    socket.on('data', onData);
    // Until then an end is one without an answer.
    socket.once('end', () => {
      if (!side) socket.destroy();
    });
  });
}
