/** Which resources discovery watches, in which clusters, and how each object is read. */
import type { Gvr, KubeObject } from '#api/kube';
import { LABELS } from '#model/names';
import { type ProfileRecord, readProfile } from '../service-profiles/index.ts';
import {
  type PodRecord,
  type Problem,
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
  /** What metrics call it: `<cache>_cache_size`, and `<lag>_informer_lag_seconds` where that is measured. */
  cache: string;
  lag: string | undefined;
  read(object: KubeObject, old: R | undefined, problem: Problem): R | undefined;
  /** Ask for metadata alone. */
  metadataOnly: boolean;
  /** Watched in linked clusters too; the rest only at home. */
  remote: boolean;
}

const row = <R, const C extends string, const L extends string | undefined>(
  [group, version, resource]: readonly [string, string, string],
  [cache, lag]: readonly [C, L],
  read: (object: KubeObject, old: R | undefined, problem: Problem) => R | undefined,
  options: { metadataOnly?: boolean; homeOnly?: boolean } = {},
) => ({
  gvr: { group, version, resource },
  cache,
  lag,
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

const readNode = (node: KubeObject) => ({ zone: node.metadata.labels?.[LABELS.zone] ?? '' });
const metadataOnly = true;
const homeOnly = true;

/** Owners and labels come before what refers to them only by chance: any order converges. */
export const RESOURCES = {
  services: row(['', 'v1', 'services'], ['service', 'services'], readService),
  slices: row(['discovery.k8s.io', 'v1', 'endpointslices'], ['endpoint_slice', 'endpointslices'], readSlice),
  pods: row(['', 'v1', 'pods'], ['pod', 'pods'], readPod),
  servers: row(['policy.linkerd.io', 'v1beta3', 'servers'], ['server', 'servers'], readOpaqueServer),
  replicaSets: row(['apps', 'v1', 'replicasets'], ['replica_set', undefined], readOwner, { metadataOnly }),
  jobs: row(['batch', 'v1', 'jobs'], ['job', undefined], readOwner, { metadataOnly }),
  nodes: row(['', 'v1', 'nodes'], ['node', undefined], readNode, { metadataOnly, homeOnly }),
  profiles: row(['linkerd.io', 'v1alpha2', 'serviceprofiles'], ['service_profile', 'serviceprofiles'], readProfile, {
    homeOnly,
  }),
  workloads: row(
    ['workload.linkerd.io', 'v1beta1', 'externalworkloads'],
    ['external_workload', 'externalworkload'],
    readWorkload,
    { homeOnly },
  ),
} as const satisfies { readonly [N in keyof Records]: ResourceRow<Records[N]> };
