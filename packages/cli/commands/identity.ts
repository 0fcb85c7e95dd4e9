import { connect as connectTls } from 'node:tls';
import type { Command } from 'commander';
import { parse } from 'yaml';
import { CONFIG_MAPS, type ConfigMap, type Pod, type PodSpec } from '#api/kube';
import { throughForward } from '#kube/port-forward';
import { identityOf, PROXY_CONTAINER } from '#model/names';
import { certificateText, isAuthority } from '../certificates/index.ts';
import { phaseOf } from '../checks/pods.ts';
import { type CliContext, type Connection, UserError } from '../context.ts';
import { proxyAdminPort } from '../proxies/index.ts';
import { podsOf } from '../resources/index.ts';

interface Flags {
  namespace?: string;
  selector?: string;
}

/** `weft identity PODS`: the certificates that proxies show. */
export function registerIdentity(program: Command, context: CliContext): void {
  program
    .command('identity')
    .argument('[pods...]', 'Names of pods')
    .description('Display the certificate(s) of one or more selected pod(s)')
    .option('-n, --namespace <namespace>', "Namespace of the pods (default: the kubeconfig context's)")
    .option('-l, --selector <selector>', 'Label selector of the pods')
    .action(async (names: string[], flags: Flags) => {
      if (names.length === 0 && !flags.selector)
        throw new UserError('Provide the pod name argument or use the selector flag');
      const connection = await context.connect();
      const namespace = flags.namespace ?? connection.namespace;
      const pods = await selected(connection, namespace, names, flags.selector);
      const trustDomain = await trustDomainOf(context);
      for (const [at, pod] of pods.entries()) {
        context.io.out(`\nPOD ${pod.metadata.name} (${at + 1} of ${pods.length})\n\n`);
        try {
          const chain = await shownBy(connection, pod, context.flags.linkerdNamespace, trustDomain);
          for (const certificate of chain) if (!isAuthority(certificate)) context.io.out(certificateText(certificate));
        } catch (error) {
          context.io.out(`\n${(error as Error).message}\n`);
          context.exitCode = 1;
        }
      }
    });
}

async function selected(
  { client }: Connection,
  namespace: string,
  names: readonly string[],
  selector: string | undefined,
): Promise<Pod[]> {
  if (names.length > 0)
    return (
      await Promise.all(names.map((name) => podsOf(client, namespace, `pod/${name.replace(/^pods?\//, '')}`)))
    ).flat();
  const pods = await podsOf(client, namespace, { labelSelector: selector ?? '' });
  if (pods.length === 0) throw new UserError(`no pod in namespace ${namespace} has labels ${selector}`);
  return pods;
}

async function trustDomainOf(context: CliContext): Promise<string> {
  const { client } = await context.connect();
  const config = await client.get<ConfigMap>(CONFIG_MAPS, 'linkerd-config', context.flags.linkerdNamespace);
  const values = parse(config.data?.['values'] ?? '') as {
    identityTrustDomain?: string;
    clusterDomain?: string;
  } | null;
  return values?.identityTrustDomain || values?.clusterDomain || 'cluster.local';
}

/** The chain (DER) that the proxy of a pod shows on its admin port to who asks for its identity. Nothing is verified. */
async function shownBy(
  { access }: Connection,
  pod: Pod,
  controlPlaneNamespace: string,
  trustDomain: string,
): Promise<Buffer[]> {
  const { name = '', namespace = '' } = pod.metadata;
  if (phaseOf(pod) !== 'Running') throw new UserError(`pod not running: ${name}`);
  const { spec } = pod as Pod & { spec?: PodSpec & { serviceAccountName?: string } };
  const port = proxyAdminPort(pod);
  if (port === undefined)
    throw new UserError(`failed to find linkerd-admin port in ${PROXY_CONTAINER} container for given pod spec`);
  const account = { serviceAccount: spec?.serviceAccountName ?? '', namespace };
  const servername = identityOf(account, { controlPlaneNamespace, trustDomain });
  return throughForward(access, { namespace, pod: name, port }, (forwarded) => chainOf(forwarded, servername));
}

const HANDSHAKE_TIMEOUT_MS = 10_000;

function chainOf(port: number, servername: string): Promise<Buffer[]> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({
      host: '127.0.0.1',
      port,
      servername,
      rejectUnauthorized: false,
      minVersion: 'TLSv1.3',
    });
    socket.setTimeout(HANDSHAKE_TIMEOUT_MS, () =>
      socket.destroy(new Error(`no certificate for ${servername} in time`)),
    );
    socket.once('error', reject);
    socket.once('close', () => reject(new Error(`the proxy showed no certificate for ${servername}`)));
    socket.once('secureConnect', () => {
      const chain: Buffer[] = [];
      // The chain ends where a certificate is its own issuer, or names none.
      for (let at = socket.getPeerCertificate(true); at?.raw; at = at.issuerCertificate) {
        if (chain.some((each) => each.equals(at.raw))) break;
        chain.push(at.raw);
      }
      socket.destroy();
      if (chain.length > 0) resolve(chain);
      else reject(new Error(`the proxy showed no certificate for ${servername}`));
    });
  });
}
