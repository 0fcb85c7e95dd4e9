/** Two clusters that are linked to each other, with what the suite's pods need. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Lab, startLab } from '../harness/index.ts';
import { SUITE_IMAGES } from './pods.ts';

export const CLUSTERS = ['west', 'east'] as const;
const MINUTE_MS = 60_000;

/** Starts them; the caller ends them. */
export async function startMcsLab(): Promise<Lab> {
  const folder = mkdtempSync(join(tmpdir(), 'weft-mcs-'));
  const images = join(folder, 'images.json');
  writeFileSync(images, JSON.stringify(SUITE_IMAGES));
  try {
    const lab = await startLab(['--clusters', CLUSTERS.join(), '--nodes', '1', '--mesh', '--images', images]);
    await link(lab).catch(async (error) => {
      await lab.down();
      throw error;
    });
    return lab;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function link(lab: Lab): Promise<void> {
  for (const cluster of CLUSTERS) {
    const other = CLUSTERS.find((each) => each !== cluster);
    await lab.ok(
      `weft --context ${cluster} multicluster install --gateway=false --set localServiceMirror.clusterName=${cluster} \
        --set 'controllers[0].link.ref.name=${other}' | kubectl --context ${cluster} apply -f -`,
    );
  }
  for (const cluster of CLUSTERS) {
    const other = CLUSTERS.find((each) => each !== cluster);
    await lab.ok(
      `weft --context ${other} multicluster link-gen --cluster-name ${other} --gateway=false |
        kubectl --context ${cluster} apply -f -`,
    );
    const wait = 'wait --for=condition=Available --timeout=100s deploy --all';
    await lab.ok(`kubectl --context ${cluster} -n linkerd-multicluster ${wait}`, { timeoutMs: 2 * MINUTE_MS });
  }
}
