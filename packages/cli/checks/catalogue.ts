import type { CliContext } from '../context.ts';
import type { Category } from './check.ts';
import { cniCategory } from './cni.ts';
import { coreCategories } from './core.ts';
import { multiclusterCategory } from './multicluster.ts';
import { CheckSubject } from './subject.ts';
import { vizCategory } from './viz.ts';

/** Every category with every check, for the page of checks: to be read, not to be run. */
export function allCategories(): Category[] {
  const nowhere = () => Promise.reject(new Error('a list of checks has no cluster'));
  const context: CliContext = {
    flags: { linkerdNamespace: 'linkerd', cniNamespace: 'linkerd-cni', asGroup: [], verbose: false },
    io: { out() {}, err() {}, stdin: async () => '', env: {}, isTty: false, colors: false },
    exitCode: 0,
    connect: nowhere,
  };
  const subject = new CheckSubject(context);
  const versions = { cliVersion: '' };
  const runs = [{ pre: true }, { crds: true }, { proxy: true }, {}].flatMap((mode) =>
    coreCategories(subject, { ...versions, ...mode }),
  );
  const extension = multiclusterCategory(subject, { ...versions, timeoutMs: 0, connect: nowhere });
  const viz = vizCategory(subject, versions);
  const byName = new Map(
    [...runs, cniCategory(subject, true), viz, extension].map((category) => [category.name, category]),
  );
  return ORDER.map((name) => byName.get(name)).filter((category) => category !== undefined);
}

/** In the order of a run. */
export const ORDER: readonly string[] = [
  'kubernetes-api',
  'kubernetes-version',
  'gateway-api-crd',
  'pre-kubernetes-setup',
  'linkerd-crd',
  'linkerd-existence',
  'linkerd-config',
  'linkerd-cni-plugin',
  'linkerd-identity',
  'linkerd-webhooks-and-apisvc-tls',
  'linkerd-identity-data-plane',
  'linkerd-version',
  'control-plane-version',
  'linkerd-control-plane-proxy',
  'linkerd-data-plane',
  'linkerd-ha-checks',
  'linkerd-extension-checks',
  'linkerd-viz',
  'linkerd-multicluster',
];
