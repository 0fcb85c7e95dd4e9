/**
 * Policies from outside: their objects are applied with kubectl, traffic of real pods shows what became of them. Every part has
 * objects of its own and takes them away; all share one lab.
 */
import { after, before } from 'node:test';
import { type Lab, requireProgram, startLab } from '../../harness/index.ts';
import { admission } from './admission.ts';
import { egress } from './egress.ts';
import { inbound } from './inbound.ts';
import { inboundApi } from './inbound-api.ts';
import { outbound } from './outbound.ts';
import { APP, MINUTE_MS, Scene } from './scene.ts';
import { status } from './status.ts';
import { zeroTrust } from './zero-trust.ts';

let lab: Lab | undefined;
let scene: Scene;
before(
  async () => {
    requireProgram('kubectl', 'kubectl >= 1.28');
    requireProgram('openssl', 'the Debian package openssl');
    lab = await startLab(['--clusters', 'west', '--mesh']);
    scene = new Scene(lab);
    await scene.apply(APP);
    for (const namespace of ['shop', 'other'])
      await lab.ok(`kubectl -n ${namespace} wait --for=condition=Available --timeout=100s deploy --all`, {
        timeoutMs: 2 * MINUTE_MS,
      });
  },
  { timeout: 5 * MINUTE_MS },
);
after(() => lab?.down(), { timeout: MINUTE_MS });

for (const part of [admission, status, inboundApi, inbound, outbound, egress, zeroTrust]) part(() => scene);
