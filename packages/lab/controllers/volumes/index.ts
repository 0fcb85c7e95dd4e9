/** Claims become bound at once: the lab's volumes are folders that the kubelet makes when a pod first uses a claim. */
import { PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES } from '#api/kube';
import type { PersistentVolume, PersistentVolumeClaim } from '../../kinds/index.ts';
import { type Controller, NOTHING, type Plan, referenceTo, refOf, type Write } from '../../reconcile/index.ts';
import { writeStatus } from '../write-status.ts';

export interface ClaimObserved {
  claim: PersistentVolumeClaim;
  volume: PersistentVolume | undefined;
}

/** Gives each claim a volume of its own, named after its uid. */
export const claimController: Controller<ClaimObserved> = {
  name: 'persistent-volume-binder',
  triggers: [
    { gvr: PERSISTENT_VOLUME_CLAIMS, keys: ({ now }) => (now ? [refOf(now)] : []) },
    { gvr: PERSISTENT_VOLUMES, keys: ({ now, old }) => claimsOf((now ?? old) as PersistentVolume) },
  ],
  observe(key, caches) {
    const claim = caches.of<PersistentVolumeClaim>(PERSISTENT_VOLUME_CLAIMS).byRef(key);
    if (!claim || claim.metadata.deletionTimestamp) return undefined;
    const name = claim.spec?.volumeName || volumeName(claim);
    return { claim, volume: caches.of<PersistentVolume>(PERSISTENT_VOLUMES).get(name) };
  },
  reconcile: bindClaim,
};

/** Removes volumes that were made for a claim which is gone. Keys are volume names. */
export const volumeController: Controller<{ volume: PersistentVolume; claim: PersistentVolumeClaim | undefined }> = {
  name: 'persistent-volume-controller',
  triggers: [
    { gvr: PERSISTENT_VOLUMES, keys: ({ now }) => (now ? [now.metadata.name ?? ''] : []) },
    {
      gvr: PERSISTENT_VOLUME_CLAIMS,
      keys: ({ now, old }) => (!now && old ? [(old as PersistentVolumeClaim).spec?.volumeName ?? volumeName(old)] : []),
    },
  ],
  observe(name, caches) {
    const volume = caches.of<PersistentVolume>(PERSISTENT_VOLUMES).get(name);
    const uid = volume?.spec?.claimRef?.uid;
    if (!volume || !uid || volume.metadata.deletionTimestamp) return undefined;
    return { volume, claim: caches.of<PersistentVolumeClaim>(PERSISTENT_VOLUME_CLAIMS).byUid(uid) };
  },
  reconcile({ volume, claim }) {
    if (claim) return NOTHING;
    if (volume.spec?.persistentVolumeReclaimPolicy === 'Delete')
      return { writes: [{ verb: 'delete', gvr: PERSISTENT_VOLUMES, object: volume }] };
    return { writes: writeStatus(PERSISTENT_VOLUMES, volume, { phase: 'Released' }) };
  },
};

const volumeName = (claim: { metadata: { uid?: string } }): string => `pvc-${claim.metadata.uid}`;

function claimsOf({ spec }: PersistentVolume): string[] {
  const { namespace, name } = spec?.claimRef ?? {};
  return name ? [`${namespace ?? ''}/${name}`] : [];
}

/** Decides about one claim. Pure. */
export function bindClaim({ claim, volume }: ClaimObserved): Plan {
  const { accessModes = ['ReadWriteOnce'], resources, volumeName: bound } = claim.spec ?? {};
  if (!volume) {
    // A claim that names a volume waits for that very one.
    if (bound && bound !== volumeName(claim))
      return { writes: writeStatus(PERSISTENT_VOLUME_CLAIMS, claim, { phase: 'Pending' }) };
    return { writes: [{ verb: 'create', gvr: PERSISTENT_VOLUMES, object: buildVolume(claim, accessModes) }] };
  }
  const { uid } = volume.spec?.claimRef ?? {};
  if (uid && uid !== claim.metadata.uid)
    return { writes: writeStatus(PERSISTENT_VOLUME_CLAIMS, claim, { phase: 'Pending' }) };
  const capacity = volume.spec?.capacity ?? resources?.requests ?? {};
  return {
    writes: [
      ...(uid ? [] : [claimVolume(volume, claim)]),
      ...writeStatus(PERSISTENT_VOLUMES, volume, { ...volume.status, phase: 'Bound' }),
      ...(bound ? [] : [nameVolume(claim, volume.metadata.name ?? '')]),
      ...writeStatus(PERSISTENT_VOLUME_CLAIMS, claim, { ...claim.status, phase: 'Bound', accessModes, capacity }),
    ],
  };
}

function buildVolume(claim: PersistentVolumeClaim, accessModes: string[]): PersistentVolume {
  const { namespace = '', name = '' } = claim.metadata;
  const { storageClassName, volumeMode = 'Filesystem', resources } = claim.spec ?? {};
  const { resourceVersion: _revision, ...claimRef } = referenceTo(claim, 'PersistentVolumeClaim', 'v1');
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name: volumeName(claim) },
    spec: {
      capacity: resources?.requests ?? { storage: '1Gi' },
      accessModes,
      claimRef,
      hostPath: { path: `/claims/${namespace}/${name}`, type: 'DirectoryOrCreate' },
      persistentVolumeReclaimPolicy: 'Delete',
      volumeMode,
      ...(storageClassName && { storageClassName }),
    },
  };
}

function claimVolume(volume: PersistentVolume, claim: PersistentVolumeClaim): Write {
  const { resourceVersion: _revision, ...claimRef } = referenceTo(claim, 'PersistentVolumeClaim', 'v1');
  return {
    verb: 'patch',
    gvr: PERSISTENT_VOLUMES,
    name: volume.metadata.name ?? '',
    merge: { spec: { claimRef } },
  };
}

function nameVolume(claim: PersistentVolumeClaim, volumeName: string): Write {
  const { name = '', namespace = '' } = claim.metadata;
  return { verb: 'patch', gvr: PERSISTENT_VOLUME_CLAIMS, name, namespace, merge: { spec: { volumeName } } };
}
