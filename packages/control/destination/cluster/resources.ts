/** Which resources discovery watches, in which clusters, and how each object is read. */
import type { Gvr, KubeObject } from '#api/kube';
import { LABELS } from '#model/names';
import { type ProfileRecord, readProfile } from './profile-record.ts';
import {
  type PodRecord,
  readOpaqueServer,
  readOwner,
  readPod,
  readService,
  readSlice,
  readWorkload,
  type ServerRecord,
  type ServiceRecord,
  type SliceRecord,
  type WorkloadRecord,
} from './records.ts';

/** One watched resource. */
interface ResourceRow<R> {
  gvr: Gvr;
  read(object: KubeObject): R | undefined;
  /** Ask for metadata alone. */
  metadataOnly: boolean;
  /** Watched in linked clusters too; the rest only at home. */
  remote: boolean;
}

const row = <R>(
  [group, version, resource]: readonly [string, string, string],
  read: (object: KubeObject) => R | undefined,
  options: { metadataOnly?: boolean; homeOnly?: boolean } = {},
): ResourceRow<R> => ({
  gvr: { group, version, resource },
  read,
  metadataOnly: options.metadataOnly ?? false,
  remote: !options.homeOnly,
});

export interface Records {
  services: ServiceRecord;
  slices: SliceRecord;
  pods: PodRecord;
  servers: ServerRecord;
  replicaSets: ReturnType<typeof readOwner>;
  jobs: ReturnType<typeof readOwner>;
  nodes: { zone: string };
  profiles: ProfileRecord;
  workloads: WorkloadRecord;
}

/** Owners and labels come before what refers to them only by chance: any order converges. */
export const RESOURCES: { readonly [N in keyof Records]: ResourceRow<Records[N]> } = {
  services: row(['', 'v1', 'services'], readService),
  slices: row(['discovery.k8s.io', 'v1', 'endpointslices'], readSlice),
  pods: row(['', 'v1', 'pods'], readPod),
  servers: row(['policy.linkerd.io', 'v1beta3', 'servers'], readOpaqueServer),
  replicaSets: row(['apps', 'v1', 'replicasets'], readOwner, { metadataOnly: true }),
  jobs: row(['batch', 'v1', 'jobs'], readOwner, { metadataOnly: true }),
  nodes: row(['', 'v1', 'nodes'], (node) => ({ zone: node.metadata.labels?.[LABELS.zone] ?? '' }), {
    metadataOnly: true,
    homeOnly: true,
  }),
  profiles: row(['linkerd.io', 'v1alpha2', 'serviceprofiles'], readProfile, { homeOnly: true }),
  workloads: row(['workload.linkerd.io', 'v1beta1', 'externalworkloads'], readWorkload, { homeOnly: true }),
};
