import { PODS, type Pod } from '#api/kube';
import { applyAll } from '#kube/apply';
import { createKubeClient, type KubeClient } from '#kube/client';
import { loadAccess } from '#kube/config';
import type { Io } from '../context.ts';
import { waitForDeployments } from '../mesh/index.ts';
import { parseManifests } from '../output/index.ts';
import { run } from '../run.ts';
import { DEMO_NAMESPACE, SERVER } from './manifests.ts';

const FIELD_MANAGER = 'weft-demo';
const READY_TIMEOUT_MS = 120_000;

/** One cluster of the demonstration: its API, and our own command line against it. */
export interface DemoCluster {
  name: string;
  client: KubeClient;
  /** Output of `weft --context NAME WORDS…`; rejects with its errors when it exits non-zero. */
  weft(...words: string[]): Promise<string>;
}

export async function connectCluster(name: string, kubeconfig: string): Promise<DemoCluster> {
  const client = createKubeClient(await loadAccess({ kubeconfig, context: name }));
  const weft = async (...words: string[]): Promise<string> => {
    let out = '';
    let err = '';
    const io: Io = {
      out: (text) => {
        out += text;
      },
      err: (text) => {
        err += text;
      },
      stdin: async () => '',
      env: { ...process.env, KUBECONFIG: kubeconfig },
      isTty: false,
      colors: false,
    };
    const code = await run(['--context', name, ...words], io);
    if (code !== 0) throw new Error(`weft ${words.join(' ')} for cluster ${name} exited ${code}: ${err.trim()}`);
    return out;
  };
  return { name, client, weft };
}

export const applyText = (cluster: DemoCluster, manifest: string, signal: AbortSignal): Promise<void> =>
  applyAll(cluster.client, parseManifests(manifest, 'manifest'), { fieldManager: FIELD_MANAGER, signal });

export const applyObjects = (cluster: DemoCluster, objects: Parameters<typeof applyAll>[1], signal: AbortSignal) =>
  applyAll(cluster.client, objects, { fieldManager: FIELD_MANAGER, signal });

export const ready = (cluster: DemoCluster, namespace: string, signal: AbortSignal): Promise<void> =>
  waitForDeployments(cluster.client, namespace, { timeoutMs: READY_TIMEOUT_MS, signal });

/** The one running pod of a demo workload. */
export async function podOf(cluster: DemoCluster, app: string): Promise<Pod> {
  const { items } = await cluster.client.list<Pod>(PODS, { namespace: DEMO_NAMESPACE, labelSelector: `app=${app}` });
  const pod = items.find((item) => item.status?.phase === 'Running');
  if (!pod) throw new Error(`cluster ${cluster.name} has no running pod ${app} in namespace ${DEMO_NAMESPACE}`);
  return pod;
}

/** What `weft diagnostics proxy-metrics` shows of a demo workload's proxy. */
export const proxyMetrics = (cluster: DemoCluster, app: string = SERVER): Promise<string> =>
  cluster.weft('diagnostics', 'proxy-metrics', '-n', DEMO_NAMESPACE, `deploy/${app}`);
