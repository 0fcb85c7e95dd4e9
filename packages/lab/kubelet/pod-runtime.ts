import { once } from 'node:events';
import type { Duplex, Readable } from 'node:stream';
import type { AnyObject } from '#api/kube';
import { DialError, dialIn } from '#net/netns';
import { ApiError, type ExecIo, type LogOptions, type PodRuntime } from '../contract/index.ts';
import type { PodContainer } from './container.ts';
import { execInContainer } from './exec.ts';
import type { Kubelet } from './kubelet.ts';
import { LIMITS } from './limits.ts';
import { streamLog } from './log-reader.ts';
import type { PodWorker } from './pod-worker.ts';

/** `kubectl logs|exec|attach|port-forward` against the containers of one cluster's nodes. */
export class KubeletRuntime implements PodRuntime {
  private readonly kubelets: readonly Kubelet[];

  constructor(kubelets: readonly Kubelet[]) {
    this.kubelets = kubelets;
  }

  async logs(
    pod: AnyObject,
    options: LogOptions,
    write: (chunk: Uint8Array) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const container = this.containerOf(pod, options.container);
    const source = container.logSource(options.previous === true);
    if (source) return streamLog(source, options, write, signal);
    const where = `container "${options.container}" in pod "${pod.metadata.name}"`;
    if (options.previous) throw ApiError.of('BadRequest', `previous terminated ${where} not found`);
    const { state } = container;
    const why = state.kind === 'waiting' ? waitingText(state.reason) : 'not available';
    throw ApiError.of('BadRequest', `${where} is ${why}`);
  }

  async exec(
    pod: AnyObject,
    options: { container: string; command: readonly string[]; stdin: boolean; tty: boolean },
    io: ExecIo,
  ): Promise<{ exitCode: number }> {
    const access = this.containerOf(pod, options.container).access();
    if (!access) throw notRunning(options.container);
    return execInContainer(access, options, io);
  }

  async attach(
    pod: AnyObject,
    options: { container: string; stdin: boolean; tty: boolean },
    io: ExecIo,
  ): Promise<{ exitCode: number }> {
    const container = this.containerOf(pod, options.container);
    const attached = container.attach((stream, chunk) => (stream === 'stdout' ? io.stdout(chunk) : io.stderr(chunk)));
    if (!attached) throw notRunning(options.container);
    const { process, detach } = attached;
    if (options.tty) io.onResize?.((columns, rows) => process.resize(columns, rows));
    if (options.stdin && io.stdin) feed(io.stdin as Readable, process, container.spec.stdinOnce === true);
    const aborted = once(io.signal, 'abort').then(() => 0);
    if (io.signal.aborted) detach();
    const exitCode = await Promise.race([process.exited, aborted]);
    detach();
    return { exitCode };
  }

  async dial(pod: AnyObject, port: number): Promise<Duplex> {
    const net = this.workerOf(pod).sandboxNet;
    if (!net) throw ApiError.of('BadRequest', `pod "${pod.metadata.name}" is not running`);
    try {
      return await dialIn(net, { address: '127.0.0.1', port, timeoutMs: LIMITS.forwardDialTimeoutMs });
    } catch (error) {
      if (!(error instanceof DialError)) throw error;
      throw new Error(
        `failed to connect to localhost:${port} inside namespace "${pod.metadata.uid}": ${error.message}`,
      );
    }
  }

  private workerOf(pod: AnyObject): PodWorker {
    const uid = pod.metadata.uid ?? '';
    const worker = this.kubelets.map((kubelet) => kubelet.worker(uid)).find((found) => found !== undefined);
    if (!worker) throw ApiError.of('BadRequest', `pod "${pod.metadata.name}" is not on any node of this cluster`);
    return worker;
  }

  private containerOf(pod: AnyObject, name: string): PodContainer {
    const container = this.workerOf(pod).container(name);
    if (!container) throw ApiError.of('BadRequest', `container ${name} is not valid for pod ${pod.metadata.name}`);
    return container;
  }
}

const waitingText = (reason: string): string =>
  reason === 'ContainerCreating' || reason === 'PodInitializing'
    ? `waiting to start: ${reason}`
    : `waiting to start: trying and failing (${reason})`;

const notRunning = (name: string): ApiError => ApiError.of('InternalError', `container not found ("${name}")`);

function feed(stdin: Readable, process: { write(chunk: Uint8Array | undefined): void }, once: boolean): void {
  stdin.on('data', (chunk: Buffer) => process.write(chunk));
  if (once) stdin.on('end', () => process.write(undefined));
}
