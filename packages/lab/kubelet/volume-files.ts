import type { ConfigMap, KeyToPath, Secret, Volume, VolumeProjection } from '#api/kube';
import { ConfigError, type ConfigReader } from './env.ts';
import { fieldValue, type PodPlace, resourceValue } from './field-ref.ts';
import type { BoundPod } from './types.ts';

/** One file of a projected volume: path inside it, content, permissions, and an owner where it is not root. */
export interface VolumeFile {
  path: string;
  bytes: Uint8Array;
  mode: number;
  uid?: number;
}

/** Gives the current token of one projection of a pod, renewed in time. */
export type TokenSource = (
  pod: BoundPod,
  request: { audience?: string; expirationSeconds?: number },
) => Promise<string>;

export interface VolumeDeps {
  config: ConfigReader;
  place: PodPlace;
  token: TokenSource;
}

const DEFAULT_MODE = 0o644;
const TOKEN_MODE_OWNED = 0o600;

/** The files of a volume whose content comes from the API; undefined for other kinds of volume. */
export async function volumeFiles(pod: BoundPod, volume: Volume, deps: VolumeDeps): Promise<VolumeFile[] | undefined> {
  if (volume.configMap) {
    const { defaultMode, ...source } = volume.configMap;
    return project(pod, [{ configMap: source }], defaultMode, deps);
  }
  if (volume.secret) {
    const { defaultMode, secretName, ...source } = volume.secret;
    return project(
      pod,
      [{ secret: { ...source, ...(secretName !== undefined && { name: secretName }) } }],
      defaultMode,
      deps,
    );
  }
  if (volume.downwardAPI) {
    const { defaultMode, items } = volume.downwardAPI;
    return project(pod, [{ downwardAPI: items ? { items } : {} }], defaultMode, deps);
  }
  if (volume.projected) return project(pod, volume.projected.sources ?? [], volume.projected.defaultMode, deps);
  return undefined;
}

async function project(
  pod: BoundPod,
  sources: readonly VolumeProjection[],
  defaultMode: number | undefined,
  deps: VolumeDeps,
): Promise<VolumeFile[]> {
  const files = new Map<string, VolumeFile>();
  for (const source of sources)
    for (const file of await sourceFiles(pod, source, defaultMode ?? DEFAULT_MODE, deps)) files.set(file.path, file);
  for (const { path } of files.values())
    if (path.startsWith('/') || path.split('/').includes('..'))
      throw new ConfigError(`invalid path in volume: ${path}`);
  return [...files.values()];
}

async function sourceFiles(
  pod: BoundPod,
  source: VolumeProjection,
  mode: number,
  deps: VolumeDeps,
): Promise<VolumeFile[]> {
  const namespace = pod.metadata.namespace ?? '';
  if (source.configMap) {
    const { name = '', items, optional = false } = source.configMap;
    const data = configMapBytes(deps.config.configMap(namespace, name));
    return pick({ what: `configmap "${name}"`, data, items, optional, mode });
  }
  if (source.secret) {
    const { name = '', items, optional = false } = source.secret;
    const data = secretBytes(deps.config.secret(namespace, name));
    return pick({ what: `secret "${name}"`, data, items, optional, mode });
  }
  if (source.downwardAPI) return downwardFiles(pod, source.downwardAPI.items ?? [], mode, deps.place);
  if (source.serviceAccountToken) {
    const { path, audience, expirationSeconds } = source.serviceAccountToken;
    const request = {
      ...(audience !== undefined && { audience }),
      ...(expirationSeconds !== undefined && { expirationSeconds }),
    };
    const bytes = Buffer.from(await deps.token(pod, request));
    const owner = tokenOwner(pod);
    return [
      { path, bytes, mode: owner ? TOKEN_MODE_OWNED : mode, ...(owner?.uid !== undefined && { uid: owner.uid }) },
    ];
  }
  throw new ConfigError(`projected volume source is not supported: ${Object.keys(source).join(', ')}`);
}

/** Whom a token file belongs to: the pod's group, or the one user that all containers run as (else nobody in particular). */
function tokenOwner(pod: BoundPod): { uid?: number } | undefined {
  const shared = pod.spec.securityContext ?? {};
  const all = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])];
  const uids = new Set(all.map((container) => container.securityContext?.runAsUser ?? shared.runAsUser));
  const [uid] = uids;
  if (uids.size === 1 && uid !== undefined) return { uid };
  return shared.fsGroup === undefined ? undefined : {};
}

function configMapBytes(map: ConfigMap | undefined): Map<string, Uint8Array> | undefined {
  if (!map) return undefined;
  const text = Object.entries(map.data ?? {}).map(([key, value]) => [key, Buffer.from(value)] as const);
  const binary = Object.entries(map.binaryData ?? {}).map(
    ([key, value]) => [key, Buffer.from(value, 'base64')] as const,
  );
  return new Map<string, Uint8Array>([...text, ...binary]);
}

function secretBytes(secret: Secret | undefined): Map<string, Uint8Array> | undefined {
  if (!secret) return undefined;
  return new Map(Object.entries(secret.data ?? {}).map(([key, value]) => [key, Buffer.from(value, 'base64')]));
}

function pick(source: {
  what: string;
  data: Map<string, Uint8Array> | undefined;
  items: readonly KeyToPath[] | undefined;
  optional: boolean;
  mode: number;
}): VolumeFile[] {
  const { what, data, items, optional, mode } = source;
  if (!data) {
    if (optional) return [];
    throw new ConfigError(`${what} not found`);
  }
  if (!items) return [...data].map(([path, bytes]) => ({ path, bytes, mode }));
  return items.flatMap((item) => {
    const bytes = data.get(item.key);
    if (bytes) return [{ path: item.path, bytes, mode: item.mode ?? mode }];
    if (optional) return [];
    throw new ConfigError(`${what}: references non-existent key: ${item.key}`);
  });
}

type DownwardItems = NonNullable<NonNullable<VolumeProjection['downwardAPI']>['items']>;

function downwardFiles(pod: BoundPod, items: DownwardItems, mode: number, place: PodPlace): VolumeFile[] {
  return items.map((item) => {
    const text = item.fieldRef
      ? fieldValue(pod, item.fieldRef.fieldPath, place)
      : resourceValue(
          pod.spec.containers.find(({ name }) => name === item.resourceFieldRef?.containerName),
          item.resourceFieldRef ?? { resource: '' },
          place,
        );
    if (text === undefined) throw new ConfigError(`unsupported fieldPath: ${item.fieldRef?.fieldPath}`);
    return { path: item.path, bytes: Buffer.from(text), mode: item.mode ?? mode };
  });
}
