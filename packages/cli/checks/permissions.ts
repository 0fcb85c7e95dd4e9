import {
  type AnyObject,
  CLUSTER_ROLE_BINDINGS,
  CLUSTER_ROLES,
  DEPLOYMENTS,
  type Deployment,
  type Gvr,
  ROLE_BINDINGS,
  ROLES,
  SECRETS,
  SERVICE_ACCOUNTS,
} from '#api/kube';
import type { Link } from '#extensions/multicluster';
import { ifFound, type KubeClient } from '#kube/client';
import {
  controllerAccess,
  controllerNames,
  controllerRole,
  defaultMulticluster,
  LOCAL_MIRROR,
  legacyNames,
  localMirror,
  remoteAccess,
} from '../manifests/multicluster/index.ts';
import { type Check, CheckFailure, CheckSkipped } from './check.ts';
import { containerArgs } from './deployment.ts';
import { EXTENSION_LABEL } from './extensions.ts';
import type { CheckSubject } from './subject.ts';

/** Whether accounts, roles and bindings allow what the manifests of the extension allow. */

/** Of the controller of a Link. One that `link` once printed is another program: what it is called is all that is known of it. */
export async function linkPermissions(subject: CheckSubject, link: Link): Promise<string | undefined> {
  const client = await subject.client();
  const { name = '', namespace = '' } = link.metadata;
  const legacy = legacyNames(name);
  const deployment = await ifFound(client.get<Deployment>(DEPLOYMENTS, controllerNames(name).deployment, namespace));
  const isLegacy = !deployment && (await subject.exists(DEPLOYMENTS, legacy.deployment, namespace));
  const values = {
    ...defaultMulticluster(),
    namespace,
    linkerdNamespace: subject.namespace,
    enableNamespaceCreation: containerArgs(deployment).includes('-enable-namespace-creation'),
  };
  const wanted = isLegacy
    ? legacyAccess(legacy, namespace)
    : [controllerRole(values), ...controllerAccess(values, name)];
  return lacking(client, wanted);
}

/** Of the controller for the local cluster's own members; undefined where it is not installed, too. */
export async function localPermissions(subject: CheckSubject, namespace: string): Promise<string | undefined> {
  const client = await subject.client();
  if (!(await subject.exists(DEPLOYMENTS, LOCAL_MIRROR, namespace))) return undefined;
  return lacking(client, localMirror({ ...defaultMulticluster(), namespace }));
}

/** Of the accounts with which other clusters enter this one. */
export const accountsCheck = (subject: CheckSubject): Check => ({
  description: 'accounts of other clusters have required permissions',
  anchor: 'weft-multicluster-remote-access-permissions',
  remedy:
    'The accounts with which other clusters look at this one may read what their controllers and destination services read, and renew their own tokens. Apply what `multicluster install`, or `multicluster allow` for accounts of other names, prints.',
  severity: 'warning',
  async run() {
    const client = await subject.client();
    const secrets = await client.list(SECRETS, {
      labelSelector: `${EXTENSION_LABEL}=multicluster`,
      metadataOnly: true,
    });
    const accounts = secrets.items.flatMap(({ metadata: { annotations, namespace = '' } }) => {
      const name = annotations?.['kubernetes.io/service-account.name'];
      return name === undefined ? [] : [{ name, namespace }];
    });
    if (accounts.length === 0) throw new CheckSkipped('no accounts of other clusters');
    const problems = await Promise.all(
      accounts.map(async ({ name, namespace }) => {
        const problem = await lacking(client, remoteAccess({ ...defaultMulticluster(), namespace }, name));
        return problem === undefined ? [] : [`${namespace}/${name}: ${problem}`];
      }),
    );
    const bad = problems.flat();
    if (bad.length > 0) throw new CheckFailure('Accounts that may not do what is needed:', bad);
    return { items: accounts.map(({ name, namespace }) => `${namespace}/${name}`) };
  },
});

const ACCESS: Readonly<Record<string, Gvr>> = {
  ServiceAccount: SERVICE_ACCOUNTS,
  ClusterRole: CLUSTER_ROLES,
  ClusterRoleBinding: CLUSTER_ROLE_BINDINGS,
  Role: ROLES,
  RoleBinding: ROLE_BINDINGS,
};

/** In words, what of these is missing, and what roles and bindings lack that are there; undefined: nothing. */
async function lacking(client: KubeClient, wanted: readonly AnyObject[]): Promise<string | undefined> {
  const pairs = await Promise.all(
    wanted.flatMap((object) => {
      const gvr = ACCESS[object.kind ?? ''];
      const { name = '', namespace } = object.metadata;
      return gvr ? [ifFound(client.get<AnyObject>(gvr, name, namespace)).then((seen) => ({ object, seen }))] : [];
    }),
  );
  const missing = pairs.filter(({ seen }) => !seen).map(({ object }) => called(object));
  const short = pairs.flatMap(({ object, seen }) => (seen ? shortfall(object, seen) : []));
  const problems = [...(missing.length > 0 ? [`missing ${missing.join(', ')}`] : []), ...short];
  return problems.length > 0 ? problems.join('; ') : undefined;
}

const called = ({ kind, metadata }: AnyObject): string => `${kind} ${metadata.name}`;

interface PolicyRule {
  apiGroups?: readonly string[];
  resources?: readonly string[];
  verbs?: readonly string[];
  resourceNames?: readonly string[];
}
interface Subject {
  kind?: string;
  name?: string;
  namespace?: string;
}
type Access = AnyObject & {
  rules?: readonly PolicyRule[] | null;
  subjects?: readonly Subject[] | null;
  roleRef?: { kind?: string; name?: string };
};

function shortfall(wanted: Access, seen: Access): string[] {
  const rules = seen.rules ?? [];
  const denied = (wanted.rules ?? []).flatMap((rule) => deniedOf(rule, rules));
  const { roleRef } = wanted;
  const other = roleRef && (roleRef.kind !== seen.roleRef?.kind || roleRef.name !== seen.roleRef?.name);
  const unbound = (wanted.subjects ?? []).filter(
    (subject) => !seen.subjects?.some((each) => SUBJECT.every((field) => each[field] === subject[field])),
  );
  return [
    ...(denied.length > 0 ? [`${called(wanted)} lacks ${denied.join(', ')}`] : []),
    ...(other ? [`${called(wanted)} is not for ${roleRef.kind} ${roleRef.name}`] : []),
    ...unbound.map(({ kind, name, namespace }) => `${called(wanted)} is not for ${kind} ${namespace}/${name}`),
  ];
}

const SUBJECT = ['kind', 'name', 'namespace'] as const;

/** What of a rule others do not allow: `update of secrets cluster-credentials-east`, verbs of one resource together. */
function deniedOf(rule: PolicyRule, rules: readonly PolicyRule[]): string[] {
  const { apiGroups = [], resources = [], verbs = [], resourceNames = [undefined] } = rule;
  const what = apiGroups.flatMap((group) =>
    resources.flatMap((resource) => resourceNames.map((name) => ({ group, resource, name }))),
  );
  return what.flatMap((target) => {
    const denied = verbs.filter((verb) => !rules.some((each) => allows(each, target, verb)));
    const { group, resource, name } = target;
    const on = `${resource}${group && `.${group}`}${name === undefined ? '' : ` ${name}`}`;
    return denied.length > 0 ? [`${denied.join(' and ')} of ${on}`] : [];
  });
}

/** As RBAC reads rules: `*` is all, and names narrow a rule. */
function allows(
  { apiGroups, resources, verbs, resourceNames = [] }: PolicyRule,
  { group, resource, name }: { group: string; resource: string; name: string | undefined },
  verb: string,
): boolean {
  const takes = (list: readonly string[] | undefined, ...values: string[]): boolean =>
    [...values, '*'].some((value) => list?.includes(value));
  const [, part] = resource.split('/');
  const isNamed = resourceNames.length === 0 || (name !== undefined && resourceNames.includes(name));
  const anyOfPart = part === undefined ? [] : [`*/${part}`];
  return takes(apiGroups, group) && takes(resources, resource, ...anyOfPart) && takes(verbs, verb) && isNamed;
}

/** Without rules and subjects, existence is all that is asked. */
const legacyAccess = (names: ReturnType<typeof legacyNames>, namespace: string): AnyObject[] => [
  { kind: 'ServiceAccount', metadata: { name: names.serviceAccount, namespace } },
  { kind: 'ClusterRole', metadata: { name: names.clusterRole } },
  { kind: 'ClusterRoleBinding', metadata: { name: names.clusterRoleBinding } },
  { kind: 'Role', metadata: { name: names.role, namespace } },
  { kind: 'RoleBinding', metadata: { name: names.roleBinding, namespace } },
];
