import type { PodSecurityContext, SecurityContext } from '#api/kube';
import { ConfigError } from './env.ts';
import type { AnyContainer, BoundPod } from './types.ts';

/** What a container engine grants by default. */
export const DEFAULT_CAPABILITIES = [
  'chown',
  'dac_override',
  'fowner',
  'fsetid',
  'kill',
  'setgid',
  'setuid',
  'setpcap',
  'net_bind_service',
  'net_raw',
  'sys_chroot',
  'mknod',
  'audit_write',
  'setfcap',
] as const;

/** How a container's processes run. Capabilities are lower case without `cap_`; `all` stands for every one. */
export interface Security {
  uid: number;
  gid: number;
  groups: readonly number[];
  /** The bounding set; for uid 0 also what it has. */
  capabilities: readonly string[];
  /** What a process of another uid has: capabilities that were asked for by name. */
  ambient: readonly string[];
  noNewPrivileges: boolean;
  readOnlyRoot: boolean;
  privileged: boolean;
}

const normalize = (name: string): string => name.toLowerCase().replace(/^cap_/, '');

/** The effective security settings: the container's, then the pod's, then the image's. */
export function securityOf(
  pod: BoundPod,
  container: AnyContainer,
  image: { user?: { uid: number; gid: number } },
): Security {
  const own: SecurityContext = container.securityContext ?? {};
  const shared: PodSecurityContext = pod.spec.securityContext ?? {};
  const uid = own.runAsUser ?? shared.runAsUser ?? image.user?.uid ?? 0;
  const gid = own.runAsGroup ?? shared.runAsGroup ?? image.user?.gid ?? 0;
  const mustNotBeRoot = own.runAsNonRoot ?? shared.runAsNonRoot ?? false;
  if (mustNotBeRoot && uid === 0)
    throw new ConfigError(
      own.runAsUser === 0 || shared.runAsUser === 0
        ? "container's runAsUser breaks non-root policy"
        : 'container has runAsNonRoot and image will run as root',
    );
  const groups = new Set([
    ...(shared.supplementalGroups ?? []),
    ...(shared.fsGroup === undefined ? [] : [shared.fsGroup]),
  ]);
  const privileged = own.privileged === true;
  const { capabilities, ambient } = capabilitiesOf(own, uid, privileged);
  return {
    uid,
    gid,
    groups: [...groups],
    capabilities,
    ambient,
    noNewPrivileges: !privileged && own.allowPrivilegeEscalation !== true,
    readOnlyRoot: own.readOnlyRootFilesystem === true,
    privileged,
  };
}

function capabilitiesOf(
  own: SecurityContext,
  uid: number,
  privileged: boolean,
): { capabilities: string[]; ambient: string[] } {
  const add = (own.capabilities?.add ?? []).map(normalize);
  const drop = new Set((own.capabilities?.drop ?? []).map(normalize));
  if (privileged || add.includes('all')) return { capabilities: ['all'], ambient: uid === 0 ? [] : ['all'] };
  const defaults = drop.has('all') ? [] : DEFAULT_CAPABILITIES.filter((name) => !drop.has(name));
  const capabilities = [...new Set([...defaults, ...add])];
  return { capabilities, ambient: uid === 0 ? [] : add };
}

/** Arguments of setpriv for these settings, up to and without the command. */
export function setprivArgs(security: Security): string[] {
  const set = (names: readonly string[]): string =>
    names.includes('all') ? '+all' : ['-all', ...names.map((name) => `+${name}`)].join(',');
  const inheritable = security.ambient;
  return [
    `--reuid=${security.uid}`,
    `--regid=${security.gid}`,
    security.groups.length > 0 ? `--groups=${security.groups.join(',')}` : '--clear-groups',
    `--bounding-set=${set(security.capabilities)}`,
    `--inh-caps=${set(inheritable)}`,
    ...(security.ambient.length > 0 ? [`--ambient-caps=${set(security.ambient)}`] : []),
    ...(security.noNewPrivileges ? ['--no-new-privs'] : []),
    '--',
  ];
}
