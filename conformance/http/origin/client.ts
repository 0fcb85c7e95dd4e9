/** Asks the origin what it has seen. */
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import type { PortRecord } from './record.ts';

export class Origin {
  readonly #socket: Socket;
  readonly #waiting: ((record: PortRecord) => void)[] = [];

  constructor(socketPath: string) {
    this.#socket = connect(socketPath);
    createInterface({ input: this.#socket }).on('line', (line) =>
      this.#waiting.shift()?.(JSON.parse(line) as PortRecord),
    );
  }

  /** What came to a port since it was asked for last. */
  take(port: number): Promise<PortRecord> {
    return new Promise((resolve, reject) => {
      this.#waiting.push(resolve);
      this.#socket.once('error', reject);
      this.#socket.write(`${port}\n`, () => this.#socket.off('error', reject));
    });
  }

  close(): void {
    this.#socket.destroy();
  }
}
