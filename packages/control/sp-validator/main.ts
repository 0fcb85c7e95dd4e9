/** The process of the ServiceProfile validator: webhook on :8443, admin on :9997. */
import { startWebhookServer } from '#kube/webhook';
import { type ProcessContext, type Running, runProcess } from '../process/index.ts';
import { reviewProfile } from './review.ts';

const FLAGS = {
  'metrics-addr': { default: ':9997' as string, doc: 'Address of probes and metrics.' },
  addr: { default: ':8443' as string, doc: 'Address of the webhook.' },
  'tls-certificate': { default: '/var/run/linkerd/tls/tls.crt' as string, doc: 'Certificate of the webhook.' },
  'tls-key': { default: '/var/run/linkerd/tls/tls.key' as string, doc: 'Its key.' },
};

/** Runs the validator with Linkerd's arguments until a signal; resolves with the exit code. */
export function runSpValidator(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  return runProcess(argv, env, { name: 'sp-validator', flags: FLAGS, adminFlag: 'metrics-addr', build });
}

async function build(context: ProcessContext<typeof FLAGS>): Promise<Running> {
  const { flags, log, metrics } = context;
  const server = await startWebhookServer({
    ...context.listenAddress('addr'),
    certificateFile: flags['tls-certificate'],
    keyFile: flags['tls-key'],
    handle: (request) => {
      const answer = reviewProfile(request);
      metrics.counter('admission_reviews_total', { kind: 'ServiceProfile', allowed: String(answer.allowed) }).inc();
      if (!answer.allowed)
        log.info('refused a ServiceProfile', { namespace: request.namespace, reason: answer.message });
      return answer;
    },
    onError: (error) => log.warn('webhook', { error: error.message }),
  });
  return { ready: () => true, retire: () => server.retire(), drain: () => server.close() };
}
