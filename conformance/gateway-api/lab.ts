/** A cluster for the suite: the Gateway API's own definitions, the mesh beside them as `install` renders it, and the suite's workload. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Lab, startLab } from '../harness/index.ts';

/** What tools/gateway-api-tools.mjs makes. */
export interface Tools {
  /** Program of the suite. */
  suite: string;
  /** Program of the workload: `server` and `client` by the name that it is called by. */
  echo: string;
  /** Folder of the bundle's definitions. */
  crds: string;
  /** Of the Gateway API, e.g. `1.6.3`. */
  version: string;
}

/** The name by which the suite's manifests call their workload. */
const ECHO_IMAGE = 'registry.k8s.io/gateway-api/echo-advanced';
const MINUTE_MS = 60_000;

/** Starts one with a single node; the caller ends it. */
export async function startGatewayLab(tools: Tools): Promise<Lab> {
  const folder = mkdtempSync(join(tmpdir(), 'weft-gateway-api-'));
  const images = join(folder, 'images.json');
  const mount = (target: string) => ({ source: tools.echo, target });
  const entrypoint = ['/usr/local/bin/server'];
  const mounts = [mount('/usr/local/bin/server'), mount('/usr/local/bin/client')];
  writeFileSync(images, JSON.stringify([{ name: ECHO_IMAGE, entrypoint, mounts }]));
  try {
    const lab = await startLab(['--clusters', 'west', '--nodes', '1', '--images', images]);
    await install(lab, tools).catch(async (error) => {
      await lab.down();
      throw error;
    });
    return lab;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The bundle comes first: an admission policy of its forbids older definitions beside it. */
async function install(lab: Lab, { crds }: Tools): Promise<void> {
  await lab.ok(`kubectl apply --server-side -f '${crds}'`);
  await lab.ok('weft install --crds | kubectl apply -f -');
  await lab.ok('weft install | kubectl apply -f -');
  await lab.ok('kubectl -n linkerd rollout status deployment --timeout=180s', { timeoutMs: 4 * MINUTE_MS });
}
