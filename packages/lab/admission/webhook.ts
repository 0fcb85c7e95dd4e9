import { randomUUID } from 'node:crypto';
import type { Duplex } from 'node:stream';
import type { AnyObject, Gvr, Status } from '#api/kube';
import type { AdmissionReviewInput, Resource } from '#lab/apiserver';
import { exchange, openTls, resolveService } from '#lab/backends';
import { ApiError } from '#lab/contract';
import type { Store } from '#lab/store';
import type { ObjectFilter, Rule } from './rules.ts';

/** One hook of a MutatingWebhookConfiguration or ValidatingWebhookConfiguration, defaults filled in by storage. */
export interface Webhook extends ObjectFilter {
  readonly name: string;
  readonly clientConfig: {
    readonly url?: string;
    readonly service?: {
      readonly namespace: string;
      readonly name: string;
      readonly path?: string;
      readonly port?: number;
    };
    /** PEM, base64. */
    readonly caBundle?: string;
  };
  readonly rules?: readonly Rule[];
  readonly failurePolicy?: 'Fail' | 'Ignore';
  readonly matchPolicy?: 'Exact' | 'Equivalent';
  readonly sideEffects?: string;
  readonly timeoutSeconds?: number;
  readonly reinvocationPolicy?: 'Never' | 'IfNeeded';
  readonly matchConditions?: readonly { readonly name: string; readonly expression: string }[];
}

export interface WebhookAnswer {
  readonly allowed: boolean;
  readonly status?: Partial<Status>;
  /** JSON patch operations, decoded. */
  readonly patch?: unknown;
  readonly warnings: readonly string[];
}

/** How webhooks are reached. */
export interface WebhookDeps {
  readonly store: Store;
  readonly random: () => number;
  readonly dial: (host: string, port: number) => Promise<Duplex>;
}

/** The call did not come to a usable answer; whether that matters is the failure policy's say. */
export class WebhookFailure extends Error {}

const DEFAULT_TIMEOUT_S = 10;
const HTTPS_PORT = 443;

/** Asks a webhook about a request. @throws WebhookFailure */
export async function callWebhook(
  deps: WebhookDeps,
  hook: Webhook,
  input: AdmissionReviewInput,
  kind: 'mutating' | 'validating',
): Promise<WebhookAnswer> {
  const uid = randomUUID();
  const seconds = hook.timeoutSeconds ?? DEFAULT_TIMEOUT_S;
  const target = targetOf(hook, seconds);
  const signal = AbortSignal.timeout(seconds * 1000);
  try {
    const answer = await post(deps, hook, target, JSON.stringify(reviewOf(input, uid)), signal);
    return readAnswer(answer, uid, kind, hook.name);
  } catch (error) {
    if (error instanceof WebhookFailure) throw error;
    const why = signal.aborted ? 'context deadline exceeded' : (error as Error).message;
    throw new WebhookFailure(`failed to call webhook: Post ${JSON.stringify(target.url)}: ${why}`);
  }
}

/** The 500 that a request gets when a hook with policy Fail cannot be asked. */
export function failedCall(hook: Webhook, failure: Error): ApiError {
  const why = `failed calling webhook ${JSON.stringify(hook.name)}: ${failure.message}`;
  return ApiError.of('InternalError', `Internal error occurred: ${why}`, { causes: [{ message: why }] });
}

/** The answer to a request that a hook denied. */
export function denied(hook: Webhook, status: Partial<Status> | undefined): ApiError {
  const by = `admission webhook ${JSON.stringify(hook.name)} denied the request`;
  const text = status?.message || status?.reason;
  const code = status?.code ?? 0;
  return new ApiError({
    apiVersion: 'v1',
    kind: 'Status',
    metadata: {},
    status: 'Failure',
    message: text ? `${by}: ${text}` : `${by} without explanation`,
    ...(status?.reason && { reason: status.reason }),
    ...(status?.details && { details: status.details }),
    code: Math.max(code, 400),
  });
}

interface Target {
  readonly url: string;
  readonly serverName: string;
  readonly path: string;
  readonly host: string;
  readonly port: number;
}

function targetOf({ clientConfig, name }: Webhook, seconds: number): Target {
  const { service, url } = clientConfig;
  if (service) {
    const host = `${service.name}.${service.namespace}.svc`;
    const port = service.port ?? HTTPS_PORT;
    const path = `${service.path ?? '/'}?timeout=${seconds}s`;
    return { url: `https://${host}:${port}${path}`, serverName: host, path, host, port };
  }
  if (!url) throw new WebhookFailure(`webhook ${JSON.stringify(name)} names neither a service nor a url`);
  const parsed = new URL(url);
  parsed.searchParams.set('timeout', `${seconds}s`);
  const { hostname, port, pathname, search } = parsed;
  return {
    url: parsed.toString(),
    serverName: hostname.replace(/^\[|\]$/g, ''),
    path: `${pathname}${search}`,
    host: hostname.replace(/^\[|\]$/g, ''),
    port: Number(port || HTTPS_PORT),
  };
}

async function post(
  deps: WebhookDeps,
  { clientConfig }: Webhook,
  target: Target,
  body: string,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const { service, caBundle } = clientConfig;
  const endpoint = service
    ? resolveService(deps.store, { ...service, port: target.port }, deps.random)
    : { host: target.host, port: target.port };
  const raw = await before(signal, deps.dial(endpoint.host, endpoint.port), (late) => late.destroy());
  const ca = caBundle ? Buffer.from(caBundle, 'base64').toString() : undefined;
  const secure = await before(signal, openTls(raw, { serverName: target.serverName, ca }), (late) => late.destroy());
  const answer = await exchange(secure, {
    method: 'POST',
    path: target.path,
    headers: {
      host: `${target.serverName}:${target.port}`,
      'content-type': 'application/json',
      accept: 'application/json, */*',
      'user-agent': 'kube-apiserver-admission',
    },
    body,
    signal,
  });
  if (answer.code >= 200 && answer.code < 300) return answer.body;
  const text = Buffer.from(answer.body).toString().slice(0, 200);
  throw new WebhookFailure(`failed to call webhook: the server responded with the status code ${answer.code}: ${text}`);
}

/** The promise's result, or the signal's reason if that comes first; a result that comes too late is disposed of. */
function before<T>(signal: AbortSignal, work: Promise<T>, dispose: (late: T) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      reject(signal.reason as Error);
      // The late failure of work that nobody waits for any more has no one to be told.
      work.then(dispose, () => undefined);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

/** `admission.k8s.io/v1` AdmissionReview of a request. */
export function reviewOf(input: AdmissionReviewInput, uid: string): Record<string, unknown> {
  const { operation, resource, subresource, namespace, name, object, old, request, options } = input;
  const requested = input.requested ?? resource;
  const { user } = request;
  return {
    kind: 'AdmissionReview',
    apiVersion: 'admission.k8s.io/v1',
    request: {
      uid,
      kind: input.kind ?? gvkOf(resource),
      resource: plainGvr(resource.gvr),
      ...(subresource && { subResource: subresource }),
      requestKind: input.kind ?? gvkOf(requested),
      requestResource: plainGvr(requested.gvr),
      ...(subresource && { requestSubResource: subresource }),
      ...(name && { name }),
      ...(namespace && { namespace }),
      operation,
      userInfo: {
        username: user.name,
        ...(user.uid && { uid: user.uid }),
        groups: user.groups,
        ...(user.extra && { extra: user.extra }),
      },
      object: input.kind ? (object ?? null) : typed(resource, object),
      oldObject: typed(resource, old),
      dryRun: request.dryRun,
      options,
    },
  };
}

const gvkOf = ({ gvr, kind }: Resource) => ({ group: gvr.group, version: gvr.version, kind });
const plainGvr = ({ group, version, resource }: Gvr) => ({ group, version, resource });

/** Webhooks always see apiVersion and kind. */
function typed({ gvr, kind }: Resource, object: AnyObject | undefined): AnyObject | null {
  if (!object) return null;
  const apiVersion = gvr.group ? `${gvr.group}/${gvr.version}` : gvr.version;
  return { ...object, apiVersion, kind: object.kind ?? kind };
}

interface ReviewResponse {
  uid?: string;
  allowed?: boolean;
  status?: Partial<Status>;
  patch?: string;
  patchType?: string;
  warnings?: string[];
}

function readAnswer(body: Uint8Array, uid: string, kind: 'mutating' | 'validating', hook: string): WebhookAnswer {
  const refuse = (why: string) => new WebhookFailure(`received invalid webhook response: ${why}`);
  let review: { kind?: string; apiVersion?: string; response?: ReviewResponse };
  try {
    review = JSON.parse(Buffer.from(body).toString()) as typeof review;
  } catch (error) {
    throw new WebhookFailure(`failed to call webhook: could not decode the answer: ${(error as Error).message}`);
  }
  const { response } = review;
  if (review.kind !== 'AdmissionReview' || review.apiVersion !== 'admission.k8s.io/v1')
    throw refuse(
      `expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got ${review.apiVersion ?? ''}, Kind=${review.kind ?? ''}`,
    );
  if (!response) throw new WebhookFailure(`webhook response of ${JSON.stringify(hook)} was absent`);
  if (response.uid !== uid)
    throw refuse(`expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(response.uid ?? '')}`);
  const { allowed = false, status, patch, patchType, warnings = [] } = response;
  if (kind === 'validating' && (patch || patchType)) throw refuse('validating webhooks may not return a patch');
  if (Boolean(patch) !== Boolean(patchType)) throw refuse('response.patch and response.patchType must come together');
  if (patchType && patchType !== 'JSONPatch')
    throw refuse(`unacceptable response.patchType of ${JSON.stringify(patchType)}, only JSONPatch is known`);
  return {
    allowed,
    warnings,
    ...(status && { status }),
    ...(patch && { patch: JSON.parse(Buffer.from(patch, 'base64').toString()) as unknown }),
  };
}
