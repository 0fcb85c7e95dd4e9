import type { AnyObject } from '#api/kube';
import { ApiError } from '#lab/contract';
import type { Store } from '#lab/store';

interface PodSpec {
  serviceAccountName?: string;
  serviceAccount?: string;
  automountServiceAccountToken?: boolean;
  imagePullSecrets?: { name?: string }[];
  volumes?: { name: string; [source: string]: unknown }[];
  containers?: Container[];
  initContainers?: Container[];
  ephemeralContainers?: Container[];
}
interface Container {
  volumeMounts?: { name: string; mountPath: string; readOnly?: boolean }[];
}

/** Where every container finds its token, the cluster's CA and its namespace. */
const MOUNT_PATH = '/var/run/secrets/kubernetes.io/serviceaccount';
/** What kube asks for: an hour and seven seconds, by which such tokens are told from others. */
const TOKEN_EXPIRATION_S = 3607;
const MIRROR_ANNOTATION = 'kubernetes.io/config.mirror';

/**
 * Gives a new pod its service account (default: `default`) and, unless pod or account say no, the projected volume with its
 * token. @throws ApiError 403 while the account does not exist
 */
export function admitServiceAccount(store: Store, pod: AnyObject, random: () => number): AnyObject {
  if (pod.metadata.annotations?.[MIRROR_ANNOTATION]) return pod;
  const spec = { ...(pod['spec'] as PodSpec | undefined) };
  const name = spec.serviceAccountName || 'default';
  spec.serviceAccountName = name;
  spec.serviceAccount = name;
  const namespace = pod.metadata.namespace ?? '';
  const account = store.get('/serviceaccounts', { namespace, name })?.object;
  if (!account) throw missing(pod, namespace, name);
  if (wantsToken(spec, account)) mountToken(spec, random);
  const pullSecrets = account['imagePullSecrets'] as { name?: string }[] | undefined;
  if (!spec.imagePullSecrets?.length && pullSecrets?.length)
    spec.imagePullSecrets = pullSecrets.map((one) => ({ ...one }));
  return { ...pod, spec };
}

function missing(pod: AnyObject, namespace: string, name: string): ApiError {
  const podName = pod.metadata.name || pod.metadata.generateName || '';
  return ApiError.of(
    'Forbidden',
    `pods "${podName}" is forbidden: error looking up service account ${namespace}/${name}: serviceaccount "${name}" not found`,
    { ...(podName && { name: podName }), kind: 'pods' },
  );
}

function wantsToken(spec: PodSpec, account: AnyObject): boolean {
  const ofAccount = account['automountServiceAccountToken'] as boolean | undefined;
  return spec.automountServiceAccountToken ?? ofAccount ?? true;
}

function mountToken(spec: PodSpec, random: () => number): void {
  const volumes = spec.volumes ?? [];
  const present = volumes.find(({ name }) => name.startsWith('kube-api-access-'))?.name;
  const name = present ?? `kube-api-access-${suffix(random)}`;
  const mounted = (container: Container): boolean =>
    container.volumeMounts?.some(({ mountPath }) => mountPath === MOUNT_PATH) ?? false;
  let used = false;
  const withMount = <T extends Container>(container: T): T => {
    if (mounted(container)) return container;
    used = true;
    const mount = { name, readOnly: true, mountPath: MOUNT_PATH };
    return { ...container, volumeMounts: [...(container.volumeMounts ?? []), mount] };
  };
  if (spec.containers) spec.containers = spec.containers.map(withMount);
  if (spec.initContainers) spec.initContainers = spec.initContainers.map(withMount);
  if (used && !present) spec.volumes = [...volumes, tokenVolume(name)];
}

const LETTERS = 'bcdfghjklmnpqrstvwxz2456789';
const suffix = (random: () => number): string =>
  Array.from({ length: 5 }, () => LETTERS[Math.floor(random() * LETTERS.length)]).join('');

const tokenVolume = (name: string): { name: string; projected: unknown } => ({
  name,
  projected: {
    defaultMode: 0o644,
    sources: [
      { serviceAccountToken: { expirationSeconds: TOKEN_EXPIRATION_S, path: 'token' } },
      { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
      {
        downwardAPI: {
          items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
        },
      },
    ],
  },
});
