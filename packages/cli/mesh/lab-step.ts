import { createKubeClient } from '#kube/client';
import { loadAccess } from '#kube/config';
import type { AfterUpStep } from '../commands/lab/after-up.ts';
import { installMesh } from './install.ts';
import { createSharedTrust } from './trust.ts';

/** `lab up --mesh`: the Gateway API's routes and the mesh in every cluster, all below one trust anchor. */
export const MESH_STEP: AfterUpStep = {
  flag: '--mesh',
  description: 'Install the Gateway API CRDs and the mesh into each cluster, with one trust anchor',
  async run({ plan, kubeconfig, progress, signal }) {
    const names = plan.clusters.map(({ name }) => name);
    const trust = await createSharedTrust(names);
    await Promise.all(
      names.map(async (name) => {
        const client = createKubeClient(await loadAccess({ kubeconfig, context: name }));
        try {
          await installMesh({ name, client }, trust.get(name)!, {
            signal,
            progress: (text) => progress(`${name}: ${text}`),
          });
        } finally {
          client.close();
        }
      }),
    );
  },
};
