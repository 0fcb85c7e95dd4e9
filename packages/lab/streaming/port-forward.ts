import type { Duplex, Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import type { AnyObject } from '#api/kube';
import type { PodRuntime } from '../contract/index.ts';

/** One forwarded connection: the client's bytes, and where it hears what went wrong. */
export interface ForwardedConnection {
  port: number;
  data: Duplex;
  error: Writable;
}

/**
 * Connects one forwarded connection to 127.0.0.1:port inside the pod and carries bytes both ways, half-closes included. Failures
 * go to the error stream. Settles when both directions ended; never rejects.
 */
export async function forward(
  pod: AnyObject,
  { port, data, error }: ForwardedConnection,
  runtime: PodRuntime,
): Promise<void> {
  let upstream: Duplex;
  try {
    upstream = await runtime.dial(pod, port);
  } catch (cause) {
    const { name, uid } = pod.metadata;
    const why = cause instanceof Error ? cause.message : String(cause);
    error.end(`error forwarding port ${port} to pod ${name}, uid ${uid}: ${why}`);
    data.resume();
    data.end();
    await settled(data);
    return;
  }
  upstream.on('error', () => data.end());
  data.on('close', () => upstream.destroy());
  data.pipe(upstream);
  upstream.pipe(data);
  upstream.on('close', () => data.end());
  await settled(data);
  upstream.destroy();
  if (!error.destroyed) error.end();
}

/** Waits for the end of a stream, whatever kind of end. */
async function settled(stream: Duplex): Promise<void> {
  try {
    await finished(stream);
  } catch {
    // Broken off: an end as good as any for a forwarded connection.
  }
}
