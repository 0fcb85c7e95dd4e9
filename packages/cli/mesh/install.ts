import { applyAll } from '#kube/apply';
import type { KubeClient } from '#kube/client';
import type { Trust } from '../certificates/index.ts';
import { defaultValues, renderControlPlane, renderCrds, webhookCertificates } from '../manifests/index.ts';
import { waitForDeployments } from './wait.ts';

export interface MeshedCluster {
  name: string;
  client: KubeClient;
}

export interface InstallSteps {
  signal?: AbortSignal;
  /** One line for people, e.g. `applied 62 objects`. */
  progress?(text: string): void;
}

const NAMESPACE = 'linkerd';
const FIELD_MANAGER = 'weft';
/** A control plane starts in seconds; this also covers a machine that is busy with other clusters. */
const READY_TIMEOUT_MS = 180_000;

/** Gateway API routes, the mesh's definitions and the control plane, as `install` renders them; resolves when it serves. */
export async function installMesh(cluster: MeshedCluster, trust: Trust, steps: InstallSteps = {}): Promise<void> {
  const values = defaultValues();
  values.identityTrustAnchorsPEM = trust.anchors;
  values.identity.issuer.tls = { crtPEM: trust.issuer.certificate, keyPEM: trust.issuer.key };
  const certificates = await webhookCertificates(values, NAMESPACE);
  const objects = [
    ...renderCrds({ namespace: NAMESPACE, values: { ...values, installGatewayAPI: true } }),
    ...renderControlPlane({ namespace: NAMESPACE, values }, certificates, defaultValues()),
  ];
  const { signal } = steps;
  await applyAll(cluster.client, objects, { fieldManager: FIELD_MANAGER, ...(signal && { signal }) });
  steps.progress?.(`applied ${objects.length} objects`);
  await waitForDeployments(cluster.client, NAMESPACE, {
    timeoutMs: READY_TIMEOUT_MS,
    ...(signal && { signal }),
    waitingFor: (names) =>
      steps.progress?.(names.length === 0 ? 'control plane ready' : `waiting for ${names.join(', ')}`),
  });
}
