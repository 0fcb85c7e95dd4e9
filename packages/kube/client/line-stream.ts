import { StringDecoder } from 'node:string_decoder';
import type { WatchStream } from '../watch/reflector.ts';
import { AnswerFault, ApiError } from './errors.ts';
import type { Http } from './http.ts';
import { LIMITS } from './limits.ts';
import { cancel, isCut, streamError } from './session.ts';
import type { RawRequest } from './types.ts';

/**
 * Reads an answer line by line: a watch, a followed log. `done` settles when it ends; `stop` ends it. A line of more than
 * `lineCharsMax` is a fault.
 */
export function readLineStream(
  http: Http,
  path: string,
  request: RawRequest,
  receive: (line: string) => void,
  opened: () => void = () => {},
  lineCharsMax: number = LIMITS.watchLineBytesMax,
): WatchStream {
  let stopped = false;
  let cancelStream: (() => void) | undefined;
  const run = async (): Promise<void> => {
    const { status, stream } = await http.stream(path, request);
    cancelStream = () => cancel(stream);
    if (stopped) return cancelStream();
    if (status !== 200) {
      const text = await readText(stream);
      cancel(stream);
      throw ApiError.fromResponse(status, text);
    }
    opened();
    await new Promise<void>((resolve, reject) => {
      const lines = new LineReader((line) => {
        if (!stopped) receive(line);
      }, lineCharsMax);
      stream.on('data', (chunk: Buffer) => {
        try {
          lines.push(chunk);
        } catch (error) {
          cancel(stream);
          reject(error);
        }
      });
      const broken = (error: Error): void => (stopped ? resolve() : reject(streamError(stream, error)));
      const over = (): void => (isCut(stream) ? broken(new Error('the answer broke off')) : resolve());
      stream.on('end', over);
      stream.on('close', over);
      stream.on('error', broken);
    });
  };
  return {
    done: run(),
    stop: () => {
      stopped = true;
      cancelStream?.();
    },
  };
}

/** Splits bytes into lines; a line longer than the limit throws. */
export class LineReader {
  readonly #decoder = new StringDecoder('utf8');
  readonly #line: (text: string) => void;
  #partial: string[] = [];
  #partialLength = 0;
  readonly #lineCharsMax: number;

  constructor(line: (text: string) => void, lineCharsMax: number = LIMITS.watchLineBytesMax) {
    this.#line = line;
    this.#lineCharsMax = lineCharsMax;
  }

  push(chunk: Buffer): void {
    const text = this.#decoder.write(chunk);
    let start = 0;
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', start)) {
      const line = this.#partial.join('') + text.slice(start, end);
      this.#partial = [];
      this.#partialLength = 0;
      start = end + 1;
      if (line.trim() !== '') this.#line(line);
    }
    if (start === text.length) return;
    this.#partial.push(text.slice(start));
    this.#partialLength += text.length - start;
    if (this.#partialLength > this.#lineCharsMax)
      throw new AnswerFault('ObjectTooLarge', `a line of the answer exceeds ${this.#lineCharsMax} characters`);
  }
}

function readText(stream: NodeJS.ReadableStream): Promise<string> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => {
      if (chunks.length < 64) chunks.push(chunk);
    });
    const timer = setTimeout(() => finish(), LIMITS.refusalMs);
    const finish = (): void => {
      clearTimeout(timer);
      resolve(Buffer.concat(chunks).toString('utf8'));
    };
    stream.on('end', finish);
    stream.on('close', finish);
    stream.on('error', finish);
  });
}
