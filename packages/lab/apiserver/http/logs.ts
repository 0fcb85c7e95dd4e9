import type { AnyObject } from '#api/kube';
import { ApiError, type LogOptions, type PodRuntime } from '#lab/contract';
import { badRequest, cause, invalid } from '../errors.ts';
import { LOG_BUFFER_BYTES_MAX } from '../limits.ts';
import type { Resource } from '../resource.ts';
import type { Call } from './call.ts';
import { sendHead } from './exchange.ts';
import { isTrue } from './request-info.ts';
import { runtimeOf } from './upgrades.ts';
import { presentOf } from './verbs.ts';

/** GET pods/{name}/log: plain text, streamed as the container writes it where `follow` asks for that. */
export async function answerLog(
  podRuntime: () => PodRuntime | undefined,
  call: Call,
  resource: Resource,
): Promise<void> {
  const pod = presentOf(call, resource);
  const options = logOptions(pod, call.info.query);
  const { reply } = call;
  const start = (): void => {
    if (!reply.headersSent)
      sendHead(reply, 200, { 'content-type': 'text/plain', 'cache-control': 'no-cache, private' });
  };
  const placed = (pod['spec'] as { nodeName?: string } | undefined)?.nodeName;
  // Nobody runs it yet: there is nothing to show, which is no error.
  if (!placed) {
    start();
    reply.end();
    return;
  }
  const gone = new AbortController();
  reply.on('close', () => gone.abort());
  const write = (chunk: Uint8Array): void => {
    start();
    reply.write(chunk);
    // A client that does not read is cut off; it can ask again from where it stopped.
    if (reply.writableLength > LOG_BUFFER_BYTES_MAX) reply.destroy();
  };
  await runtimeOf(podRuntime).logs(pod, options, write, gone.signal);
  start();
  reply.end();
}

const PARAMETERS = ['tailLines', 'sinceSeconds', 'limitBytes'] as const;

function logOptions(pod: AnyObject, query: URLSearchParams): LogOptions {
  const numbers: { -readonly [K in (typeof PARAMETERS)[number]]?: number } = {};
  for (const name of PARAMETERS) {
    const text = query.get(name);
    if (text === null || text === '') continue;
    const value = Number(text);
    const least = name === 'tailLines' ? 0 : 1;
    if (!Number.isInteger(value)) throw badRequest(`${name}: ${JSON.stringify(text)} is not an integer`);
    if (value < least)
      throw invalid('', 'PodLogOptions', pod.metadata.name ?? '', [
        cause.invalid(name, value, `must be greater than ${least === 0 ? 'or equal to 0' : '0'}`),
      ]);
    numbers[name] = value;
  }
  const sinceTime = query.get('sinceTime');
  return {
    container: containerOf(pod, query.get('container') ?? ''),
    follow: isTrue(query.get('follow')),
    previous: isTrue(query.get('previous')),
    timestamps: isTrue(query.get('timestamps')),
    ...numbers,
    ...(sinceTime && { sinceTime }),
  };
}

interface Containers {
  containers?: { name: string }[];
  initContainers?: { name: string }[];
  ephemeralContainers?: { name: string }[];
}

const DEFAULT_CONTAINER = 'kubectl.kubernetes.io/default-container';

function containerOf(pod: AnyObject, asked: string): string {
  const { containers = [], initContainers = [], ephemeralContainers = [] } = (pod['spec'] ?? {}) as Containers;
  const all = [...containers, ...initContainers, ...ephemeralContainers].map(({ name }) => name);
  const wanted = asked || pod.metadata.annotations?.[DEFAULT_CONTAINER] || (containers.length === 1 ? all[0] : '');
  if (wanted && all.includes(wanted)) return wanted;
  const name = pod.metadata.name ?? '';
  if (asked) throw badRequest(`container ${asked} is not valid for pod ${name}`);
  const list = (items: readonly { name: string }[]): string => `[${items.map((one) => one.name).join(' ')}]`;
  const inits = initContainers.length > 0 ? ` or one of the init containers: ${list(initContainers)}` : '';
  throw ApiError.of(
    'BadRequest',
    `a container name must be specified for pod ${name}, choose one of: ${list(containers)}${inits}`,
  );
}
