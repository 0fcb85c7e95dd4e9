/** Claims become bound at once: the lab's volumes are folders that the kubelet makes when a pod first uses a claim. */
import { GVRS, type PersistentVolume, type PersistentVolumeClaim } from '../../kinds/index.ts';
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
    { gvr: GVRS.persistentVolumeClaims, keys: ({ now }) => (now ? [refOf(now)] : []) },
    { gvr: GVRS.persistentVolumes, keys: ({ now, old }) => claimsOf((now ?? old) as PersistentVolume) },
  ],
  observe(key, caches) {
    const claim = caches.of<PersistentVolumeClaim>(GVRS.persistentVolumeClaims).byRef(key);
    if (!claim || claim.metadata.deletionTimestamp) return undefined;
    const name = claim.spec?.volumeName || volumeName(claim);
    return { claim, volume: caches.of<PersistentVolume>(GVRS.persistentVolumes).get(name) };
  },
  reconcile: bindClaim,
};

/** Removes volumes that were made for a claim which is gone. Keys are volume names. */
export const volumeController: Controller<{ volume: PersistentVolume; claim: PersistentVolumeClaim | undefined }> = {
  name: 'persistent-volume-controller',
  triggers: [
    { gvr: GVRS.persistentVolumes, keys: ({ now }) => (now ? [now.metadata.name ?? ''] : []) },
    {
      gvr: GVRS.persistentVolumeClaims,
      keys: ({ now, old }) => (!now && old ? [(old as PersistentVolumeClaim).spec?.volumeName ?? volumeName(old)] : []),
    },
  ],
  observe(name, caches) {
    const volume = caches.of<PersistentVolume>(GVRS.persistentVolumes).get(name);
    const uid = volume?.spec?.claimRef?.uid;
    if (!volume || !uid || volume.metadata.deletionTimestamp) return undefined;
    return { volume, claim: caches.of<PersistentVolumeClaim>(GVRS.persistentVolumeClaims).byUid(uid) };
  },
  reconcile({ volume, claim }) {
    if (claim) return NOTHING;
    if (volume.spec?.persistentVolumeReclaimPolicy === 'Delete')
      return { writes: [{ verb: 'delete', gvr: GVRS.persistentVolumes, object: volume }] };
    return { writes: writeStatus(GVRS.persistentVolumes, volume, { phase: 'Released' }) };
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
      return { writes: writeStatus(GVRS.persistentVolumeClaims, claim, { phase: 'Pending' }) };
    return { writes: [{ verb: 'create', gvr: GVRS.persistentVolumes, object: buildVolume(claim, accessModes) }] };
  }
  const { uid } = volume.spec?.claimRef ?? {};
  if (uid && uid !== claim.metadata.uid)
    return { writes: writeStatus(GVRS.persistentVolumeClaims, claim, { phase: 'Pending' }) };
  const capacity = volume.spec?.capacity ?? resources?.requests ?? {};
  return {
    writes: [
      ...(uid ? [] : [claimVolume(volume, claim)]),
      ...writeStatus(GVRS.persistentVolumes, volume, { ...volume.status, phase: 'Bound' }),
      ...(bound ? [] : [nameVolume(claim, volume.metadata.name ?? '')]),
      ...writeStatus(GVRS.persistentVolumeClaims, claim, { ...claim.status, phase: 'Bound', accessModes, capacity }),
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
    gvr: GVRS.persistentVolumes,
    name: volume.metadata.name ?? '',
    merge: { spec: { claimRef } },
  };
}

function nameVolume(claim: PersistentVolumeClaim, volumeName: string): Write {
  const { name = '', namespace = '' } = claim.metadata;
  return { verb: 'patch', gvr: GVRS.persistentVolumeClaims, name, namespace, merge: { spec: { volumeName } } };
}
