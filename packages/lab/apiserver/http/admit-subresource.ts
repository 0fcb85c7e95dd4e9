/** Admission of requests that change no stored object themselves: streams into pods, proxies, bindings, evictions, tokens. */
import type { AnyObject } from '#api/kube';
import type { AdmissionReviewInput } from '../core.ts';
import type { Resource, WriteRequest } from '../resource.ts';
import type { Call } from './call.ts';

type AdmittedCall = Pick<Call, 'core' | 'info'>;

/** The kinds of what subresources get; streams get their query as options. */
const KINDS = {
  exec: { group: '', version: 'v1', kind: 'PodExecOptions' },
  attach: { group: '', version: 'v1', kind: 'PodAttachOptions' },
  portforward: { group: '', version: 'v1', kind: 'PodPortForwardOptions' },
  binding: { group: '', version: 'v1', kind: 'Binding' },
  eviction: { group: 'policy', version: 'v1', kind: 'Eviction' },
  token: { group: 'authentication.k8s.io', version: 'v1', kind: 'TokenRequest' },
} as const;

const PROXY_KINDS: Readonly<Record<string, string>> = {
  pods: 'PodProxyOptions',
  services: 'ServiceProxyOptions',
  nodes: 'NodeProxyOptions',
};

/** Asks admission about a stream or proxy (CONNECT). @throws ApiError where it refuses */
export async function admitConnect(call: AdmittedCall, resource: Resource, request: WriteRequest): Promise<void> {
  const { subresource, query, rest } = call.info;
  const kind =
    subresource === 'proxy'
      ? { group: '', version: 'v1', kind: PROXY_KINDS[resource.gvr.resource] ?? '' }
      : KINDS[subresource as keyof typeof KINDS];
  const options = subresource === 'proxy' ? { path: rest.join('/') } : streamOptions(query);
  await admit(call, resource, { operation: 'CONNECT', kind, object: options, request, options: {} });
}

/** Asks admission about what is posted to a subresource (CREATE), and gives back what it made of that. */
export async function admitPosted(
  call: AdmittedCall,
  resource: Resource,
  posted: { subresource: 'binding' | 'eviction' | 'token'; object: AnyObject },
  request: WriteRequest,
): Promise<AnyObject> {
  const { subresource, object } = posted;
  const options = { kind: 'CreateOptions', apiVersion: 'meta.k8s.io/v1', fieldManager: request.fieldManager };
  return admit(call, resource, {
    operation: 'CREATE',
    kind: KINDS[subresource],
    object,
    request,
    options,
    subresource,
  });
}

type Asked = Pick<AdmissionReviewInput, 'operation' | 'request' | 'options'> & {
  kind: { readonly group: string; readonly version: string; readonly kind: string };
  object: object;
  subresource?: string;
};

async function admit({ core, info }: AdmittedCall, resource: Resource, asked: Asked): Promise<AnyObject> {
  const { kind } = asked;
  const apiVersion = kind.group ? `${kind.group}/${kind.version}` : kind.version;
  // Options have no metadata; selectors and messages may look for it all the same.
  const object: AnyObject = { metadata: {}, ...asked.object, apiVersion, kind: kind.kind };
  const review: AdmissionReviewInput = {
    ...asked,
    object,
    resource,
    subresource: asked.subresource ?? info.subresource,
    namespace: info.namespace,
    name: info.name,
    old: undefined,
  };
  const mutated = (await core.admission.mutate(review)) ?? object;
  await core.admission.validate({ ...review, object: mutated });
  return mutated;
}

/** `?container=a&command=sh&command=-c&stdin=true` as PodExecOptions and their like. */
function streamOptions(query: URLSearchParams): Record<string, unknown> {
  const options: Record<string, unknown> = {};
  for (const flag of ['stdin', 'stdout', 'stderr', 'tty']) if (query.get(flag) === 'true') options[flag] = true;
  const container = query.get('container');
  if (container) options['container'] = container;
  const command = query.getAll('command');
  if (command.length > 0) options['command'] = command;
  const ports = query.getAll('ports').flatMap((list) => list.split(',').map(Number));
  if (ports.length > 0) options['ports'] = ports;
  return options;
}
