/**
 * weft.test.Echo on our server: what the requests of the cases ask for. `peer.py` does the same.
 *
 * - Say: `fail CODE text`, `sleep MS`, `big N` (N characters), `meta NAME` (request metadata), `noticed` (calls that were seen to
 *   be given up), else the request itself.
 * - Watch: `count N` (0 to N-1), `flood N` (N messages of 10,000 characters, as fast as they are read), `forever` (`up`, then
 *   silence), `failing N CODE text`.
 * - Gather: how many requests, and their characters.
 * - Chat: each request itself; `fail CODE text`.
 */
import type {
  DescMethodBiDiStreaming,
  DescMethodClientStreaming,
  DescMethodServerStreaming,
  DescMethodUnary,
} from '@bufbuild/protobuf';
import { StringValueSchema } from '@bufbuild/protobuf/wkt';
import { createGrpcServer, type GrpcCode, GrpcError, type GrpcServer, type ResponseStream } from '#runtime/grpc';

type Text = typeof StringValueSchema;

/** A method descriptor with what client and server use of it. */
function method<M>(name: string, methodKind: string): M {
  const parent = { typeName: 'weft.test.Echo' };
  return { name, methodKind, parent, input: StringValueSchema, output: StringValueSchema } as unknown as M;
}
export const ECHO = {
  Say: method<DescMethodUnary<Text, Text>>('Say', 'unary'),
  Watch: method<DescMethodServerStreaming<Text, Text>>('Watch', 'server_streaming'),
  Gather: method<DescMethodClientStreaming<Text, Text>>('Gather', 'client_streaming'),
  Chat: method<DescMethodBiDiStreaming<Text, Text>>('Chat', 'bidi_streaming'),
  Missing: method<DescMethodUnary<Text, Text>>('Missing', 'unary'),
};

function failure(words: string): GrpcError {
  const [code = ''] = words.split(' ');
  return new GrpcError(code as GrpcCode, words.slice(code.length + 1));
}

export function createEchoServer(): GrpcServer {
  const server = createGrpcServer({ onBug: (name, error) => console.error(name, error) });
  let noticed = 0;
  server.unary(ECHO.Say, async ({ value }, context) => {
    const [word = ''] = value.split(' ', 1);
    const rest = value.slice(word.length + 1);
    if (word === 'fail') throw failure(rest);
    if (word === 'big') return { value: 'x'.repeat(Number(rest)) };
    if (word === 'meta') return { value: context.metadata(rest) ?? 'none' };
    if (word === 'noticed') return { value: String(noticed) };
    if (word !== 'sleep') return { value };
    return await new Promise((resolve) => {
      let isOver = false;
      const timer = setTimeout(() => {
        isOver = true;
        resolve({ value: 'slept' });
      }, Number(rest));
      context.onClose(() => {
        clearTimeout(timer);
        if (!isOver) noticed += 1;
      });
    });
  });
  server.serverStream(ECHO.Watch, ({ value }, stream) => {
    const [word = '', count = '', ...rest] = value.split(' ');
    if (word === 'count' || word === 'failing') {
      for (let i = 0; i < Number(count); i++) stream.write({ value: String(i) });
      stream.end(word === 'count' ? undefined : failure(rest.join(' ')));
    } else if (word === 'flood') flood(stream, Number(count));
    else {
      stream.write({ value: 'up' });
      stream.onClose(() => {
        noticed += 1;
      });
    }
  });
  server.duplex(ECHO.Gather, (stream) => {
    let count = 0;
    let characters = 0;
    return {
      message({ value }) {
        count += 1;
        characters += value.length;
      },
      ended() {
        stream.write({ value: `${count} messages, ${characters} characters` });
        stream.end();
      },
    };
  });
  server.duplex(ECHO.Chat, (stream) => {
    stream.onWritable(() => stream.resume());
    return {
      message({ value }) {
        if (value.startsWith('fail ')) throw failure(value.slice(5));
        if (!stream.write({ value })) stream.pause();
      },
      ended: () => stream.end(),
    };
  });
  return server;
}

function flood(stream: ResponseStream<Text>, count: number): void {
  const value = 'x'.repeat(10_000);
  let sent = 0;
  const go = (): void => {
    while (sent < count) {
      sent += 1;
      if (!stream.write({ value })) return;
    }
    stream.end();
  };
  stream.onWritable(go);
  go();
}
