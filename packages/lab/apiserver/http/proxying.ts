import type { Duplex } from 'node:stream';
import type { AnyObject } from '#api/kube';
import { BackendError, openTls, relay, resolveService } from '#lab/backends';
import { ApiError } from '#lab/contract';
import { badRequest } from '../errors.ts';
import { readServed } from '../list.ts';
import { valueAt } from '../paths.ts';
import type { Resource } from '../resource.ts';
import type { Call } from './call.ts';

/** What reaching pods and Services takes. */
export interface ProxyingDeps {
  readonly dial: (host: string, port: number) => Promise<Duplex>;
}

/** `https:web:http` of a proxy path: scheme, object, port by number or name; only the object is needed. */
interface ProxyName {
  readonly scheme: 'http' | 'https';
  readonly name: string;
  readonly port: string | undefined;
}

/** `pods|services/{[scheme:]name[:port]}/proxy/…`: carries a request of any method to a pod or an endpoint of a Service. */
export async function answerProxy(deps: ProxyingDeps, call: Call, resource: Resource): Promise<void> {
  const { info, request, reply, core } = call;
  const wanted = readProxyName(info.name);
  const object = readServed(core, resource, { name: wanted.name, namespace: info.namespace });
  try {
    const { host, port } = endpointOf(call, resource, object, wanted);
    const raw = await deps.dial(host, port);
    const secure = wanted.scheme === 'https';
    const connection = secure ? await openTls(raw, { serverName: host, ca: undefined, insecure: true }) : raw;
    const headers = { authorization: undefined, 'x-forwarded-uri': info.path, 'x-forwarded-proto': 'https' };
    await relay(request, reply, { connection, path: pathBehind(request.url ?? '/'), host: `${host}:${port}`, headers });
  } catch (error) {
    if (error instanceof ApiError) throw error;
    const what = `error trying to reach ${resource.gvr.resource.slice(0, -1)}: ${(error as Error).message}`;
    throw ApiError.of('ServiceUnavailable', what);
  }
}

function readProxyName(text: string): ProxyName {
  const parts = text.split(':');
  const scheme = parts.length === 3 ? parts.shift() : '';
  const [name = '', port] = parts;
  if (scheme && scheme !== 'http' && scheme !== 'https') throw badRequest(`invalid proxy name ${JSON.stringify(text)}`);
  return { scheme: scheme === 'https' ? 'https' : 'http', name, port: port || undefined };
}

/** Everything behind `/proxy`, query included; at least `/`. */
function pathBehind(url: string): string {
  const found = /\/proxy(\/[^?]*)?(\?.*)?$/.exec(url.replace(/^(.*?\/proxy)(?=[/?]|$)/, '/proxy'));
  return `${found?.[1] ?? '/'}${found?.[2] ?? ''}`;
}

function endpointOf(
  call: Call,
  resource: Resource,
  object: AnyObject,
  { port }: ProxyName,
): { host: string; port: number } {
  const { core } = call;
  if (resource.storage === '/services') {
    const { name = '', namespace = '' } = object.metadata;
    const number = Number(port);
    const ref = { namespace, name, port: port && Number.isInteger(number) ? number : port };
    try {
      return resolveService(core.store, ref, core.random);
    } catch (error) {
      if (error instanceof BackendError) throw ApiError.of('ServiceUnavailable', error.message);
      throw error;
    }
  }
  if (resource.storage !== '/pods')
    throw ApiError.of('ServiceUnavailable', `${resource.gvr.resource} of this cluster serve no HTTP of their own`);
  const host = valueAt(object, 'status.podIP');
  if (typeof host !== 'string' || host === '') throw badRequest(`pod ${object.metadata.name} has no address yet`);
  return { host, port: Number(port ?? firstPort(object)) };
}

function firstPort(pod: AnyObject): number {
  const { containers = [] } = (pod['spec'] ?? {}) as { containers?: { ports?: { containerPort?: number }[] }[] };
  return containers.flatMap(({ ports = [] }) => ports)[0]?.containerPort ?? 80;
}
