/** The process of the repair controller: one a node, beside the plug-in's installer; admin on :9990. */
import { PODS, type Pod } from '#api/kube';
import { LABELS } from '#model/names';
import { systemClock } from '#runtime/clock';
import { WatchHealth } from '../fold/index.ts';
import { type ProcessContext, type Running, runProcess } from '../process/index.ts';
import { createRepair } from './repair.ts';

const FLAGS = {
  'admin-addr': { default: ':9990' as string, doc: 'Address of probes and metrics.' },
  'node-name': {
    default: '' as string,
    doc: 'Node whose pods are looked after; else $LINKERD_CNI_REPAIR_CONTROLLER_NODE_NAME.',
  },
};

/** Runs the repair controller until a signal; resolves with the exit code. */
export function runCniRepair(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  return runProcess(argv, env, { name: 'cni-repair-controller', flags: FLAGS, adminFlag: 'admin-addr', build });
}

async function build(context: ProcessContext<typeof FLAGS>): Promise<Running> {
  const { flags, env, log, metrics } = context;
  const node = flags['node-name'] || env['LINKERD_CNI_REPAIR_CONTROLLER_NODE_NAME'];
  if (!node) throw new Error('the name of the node is needed: LINKERD_CNI_REPAIR_CONTROLLER_NODE_NAME');
  const kube = await context.kube();
  const repair = createRepair({
    kube,
    metrics,
    log,
    wallMs: () => Date.now(),
    nowMs: () => systemClock.nowMs(),
    instance: env['LINKERD_CNI_REPAIR_CONTROLLER_POD_NAME'] ?? 'linkerd-cni',
  });
  let ready = false;
  const { sink } = new WatchHealth(metrics, systemClock).note<Pod>('local', PODS.resource, {
    reset(pods) {
      ready = true;
      for (const pod of pods) repair.saw(pod);
    },
    applied: (pod) => repair.saw(pod),
    deleted: () => {},
    failed: ({ error }) => log.warn('cannot watch pods', { error: error.message }),
  });
  const stop = kube.watch(
    PODS,
    { labelSelector: LABELS.controlPlaneNamespace, fieldSelector: `spec.nodeName=${node}` },
    sink,
  );
  return {
    ready: () => ready,
    drain: async () => {
      stop();
      await repair.idle();
      kube.close();
    },
  };
}
