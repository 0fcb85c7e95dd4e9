/** The process of the proxy injector: webhook on :8443, admin on :9995. */
import { readFile } from 'node:fs/promises';
import { startWebhookServer } from '#kube/webhook';
import { systemClock } from '#runtime/clock';
import { WatchHealth } from '../fold/index.ts';
import { type ProcessContext, type Running, runProcess } from '../process/index.ts';
import { createInjectorEvents } from './events.ts';
import { Namespaces } from './namespaces.ts';
import { type InjectorValues, readValues } from './values.ts';
import { createInjector } from './webhook.ts';

const FLAGS = {
  'metrics-addr': { default: ':9995' as string, doc: 'Address of probes and metrics.' },
  addr: { default: ':8443' as string, doc: 'Address of the webhook.' },
  'linkerd-namespace': { default: 'linkerd' as string, doc: 'Namespace of the control plane.' },
  values: { default: '/var/run/linkerd/config/values' as string, doc: "The installation's values." },
  'trust-roots': {
    default: '/var/run/linkerd/identity/trust-roots/ca-bundle.crt' as string,
    doc: 'PEM file of the trust anchors.',
  },
  'tls-certificate': { default: '/var/run/linkerd/tls/tls.crt' as string, doc: 'Certificate of the webhook.' },
  'tls-key': { default: '/var/run/linkerd/tls/tls.key' as string, doc: 'Its key.' },
};

/** Runs the injector with Linkerd's arguments until a signal; resolves with the exit code. */
export function runInjector(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  return runProcess(argv, env, { name: 'proxy-injector', flags: FLAGS, adminFlag: 'metrics-addr', build });
}

async function build(context: ProcessContext<typeof FLAGS>): Promise<Running> {
  const { flags, log, metrics } = context;
  const values = async (): Promise<InjectorValues> => {
    const [yaml, anchors] = await Promise.all([readFile(flags.values, 'utf8'), readFile(flags['trust-roots'], 'utf8')]);
    return { ...readValues(yaml), identityTrustAnchorsPEM: anchors };
  };
  const { linkerdVersion } = await values();
  const kube = await context.kube();
  const health = new WatchHealth(metrics, systemClock);
  const namespaces = new Namespaces({ kube, clock: systemClock, health, log });
  const handle = createInjector({
    kube,
    clock: systemClock,
    namespaces,
    values,
    controlPlaneNamespace: flags['linkerd-namespace'],
    createdBy: `linkerd/proxy-injector ${linkerdVersion}`,
    events: createInjectorEvents(kube, log, () => systemClock.wallMs()),
    metrics,
    log,
  });
  const server = await startWebhookServer({
    ...context.listenAddress('addr'),
    certificateFile: flags['tls-certificate'],
    keyFile: flags['tls-key'],
    handle,
    onError: (error) => log.warn('webhook', { error: error.message }),
  });
  return {
    ready: () => true,
    retire: () => server.retire(),
    async drain() {
      await server.close();
      namespaces.stop();
      kube.close();
    },
  };
}
