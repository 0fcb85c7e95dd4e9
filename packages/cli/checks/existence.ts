import { BlockList, isIP } from 'node:net';
import { CONFIG_MAPS, type KubeObject, NODES, REPLICA_SETS, SERVICE_ACCOUNTS, SERVICES } from '#api/kube';
import { type Category, CheckFailure, CheckSkipped } from './check.ts';
import { isFinished, podReady, unreadyContainers, unschedulable } from './pods.ts';
import type { CheckSubject } from './subject.ts';
import { channelOf } from './versions.ts';

export const COMPONENT = 'linkerd.io/control-plane-component';
export const COMPONENTS = ['destination', 'identity', 'proxy-injector'] as const;

export const existenceCategory = (subject: CheckSubject): Category => ({
  name: 'linkerd-existence',
  checks: [
    {
      description: "'linkerd-config' config map exists",
      anchor: 'l5d-existence-linkerd-config',
      remedy:
        "ConfigMap linkerd-config, the settings of the installation, is in the control plane's namespace. Install the mesh, or name its namespace with -L.",
      severity: 'fatal',
      async run() {
        if (!(await subject.exists(CONFIG_MAPS, 'linkerd-config', subject.namespace)))
          throw new Error(
            `configmaps "linkerd-config" not found in namespace ${subject.namespace}: the control plane is not installed; run \`linkerd install | kubectl apply -f -\``,
          );
      },
    },
    {
      description: 'heartbeat ServiceAccount exist',
      anchor: 'l5d-existence-sa',
      remedy:
        'An installation of Linkerd whose settings say disableHeartBeat: false has ServiceAccount linkerd-heartbeat; one made by this program has no heartbeat whatever they say, and the check is left out. Apply the manifests of the installation again.',
      severity: 'fatal',
      async run() {
        const { disableHeartBeat, linkerdVersion } = await subject.values();
        if (disableHeartBeat || channelOf(linkerdVersion) === '') throw new CheckSkipped('no heartbeat');
        if (!(await subject.exists(SERVICE_ACCOUNTS, 'linkerd-heartbeat', subject.namespace)))
          throw new CheckFailure('missing ServiceAccounts:', ['linkerd-heartbeat']);
      },
    },
    {
      description: 'control plane replica sets are ready',
      anchor: 'l5d-existence-replicasets',
      remedy:
        'Each ReplicaSet of the control plane has as many ready pods as it wants. `kubectl -n linkerd describe rs` tells what holds them up: quotas, admission policies, images.',
      severity: 'fatal',
      retry: true,
      run: () => replicaSetsReady(subject),
    },
    {
      description: 'no unschedulable pods',
      anchor: 'l5d-existence-unschedulable-pods',
      remedy:
        'A node is found for each pod of the control plane. `kubectl -n linkerd get events` names the reason: too little CPU or memory, taints, affinity of a highly available installation on fewer than three nodes.',
      severity: 'warning',
      retry: true,
      surface: true,
      async run() {
        const pods = await subject.pods({ namespace: subject.namespace, labelSelector: COMPONENT });
        const stuck = pods.map(unschedulable).filter((text) => text !== undefined);
        if (stuck.length > 0) throw new CheckFailure('some pods find no node:', stuck);
      },
    },
    {
      description: 'control plane pods are ready',
      anchor: 'l5d-api-control-ready',
      remedy:
        'Each of destination, identity and proxy-injector has a pod whose containers are all ready. `kubectl -n linkerd logs` of the container that is named tells why it is not.',
      severity: 'fatal',
      retry: true,
      surface: true,
      run: () => podsReady(subject),
    },
    networkCheck('cluster networks contains all node podCIDRs', 'l5d-cluster-networks-cidr', subject, podCidrs),
    networkCheck('cluster networks contains all pods', 'l5d-cluster-networks-pods', subject, podAddresses),
    networkCheck('cluster networks contains all services', 'l5d-cluster-networks-pods', subject, serviceAddresses),
  ],
});

interface ReplicaSet extends KubeObject {
  spec?: { replicas?: number };
  status?: { readyReplicas?: number };
}

async function replicaSetsReady(subject: CheckSubject): Promise<void> {
  const { items } = await (await subject.client()).list<ReplicaSet>(REPLICA_SETS, {
    namespace: subject.namespace,
    labelSelector: COMPONENT,
  });
  const unready = items.filter(({ spec, status }) => (spec?.replicas ?? 1) > (status?.readyReplicas ?? 0));
  if (unready.length > 0)
    throw new CheckFailure(
      'replica sets are not ready:',
      unready.map(
        ({ metadata, spec, status }) => `${metadata.name}: ${status?.readyReplicas ?? 0}/${spec?.replicas ?? 1}`,
      ),
    );
}

async function podsReady(subject: CheckSubject): Promise<void> {
  const pods = await subject.pods({ namespace: subject.namespace, labelSelector: COMPONENT });
  for (const component of COMPONENTS) {
    const ours = pods.filter(({ metadata }) => metadata.labels?.[COMPONENT] === component);
    if (ours.some(podReady)) continue;
    const [first] = ours;
    const unready = first ? unreadyContainers(first) : [];
    if (!first) throw new Error(`No running pods for "linkerd-${component}"`);
    throw new Error(
      `pod/${first.metadata.name} ${unready.length > 0 ? `container ${unready.join(', ')} is not ready` : 'is not ready'}`,
    );
  }
}

interface Addressed {
  name: string;
  /** Address or, for `a.b.c.d/n`, network. */
  addresses: string[];
}

async function podCidrs(subject: CheckSubject): Promise<Addressed[]> {
  interface Node extends KubeObject {
    spec?: { podCIDR?: string; podCIDRs?: string[] };
  }
  const { items } = await (await subject.client()).list<Node>(NODES);
  const found = items.map(({ metadata, spec }) => ({
    name: `node ${metadata.name}`,
    addresses: spec?.podCIDRs ?? (spec?.podCIDR ? [spec.podCIDR] : []),
  }));
  if (found.every(({ addresses }) => addresses.length === 0)) throw new CheckSkipped('nodes do not expose podCIDR');
  return found;
}

async function podAddresses(subject: CheckSubject): Promise<Addressed[]> {
  interface PodView {
    metadata: { name?: string; namespace?: string };
    spec?: { hostNetwork?: boolean };
    status?: { podIP?: string };
  }
  const pods = (await subject.pods({})).filter((pod) => !isFinished(pod)) as unknown as PodView[];
  return pods
    .filter(({ spec, status }) => !spec?.hostNetwork && status?.podIP)
    .map(({ metadata, status }) => ({
      name: `pod ${metadata.namespace}/${metadata.name}`,
      addresses: [status?.podIP ?? ''],
    }));
}

async function serviceAddresses(subject: CheckSubject): Promise<Addressed[]> {
  interface Service extends KubeObject {
    spec?: { clusterIP?: string };
  }
  const { items } = await (await subject.client()).list<Service>(SERVICES);
  return items
    .filter(({ spec }) => spec?.clusterIP && spec.clusterIP !== 'None')
    .map(({ metadata, spec }) => ({
      name: `svc ${metadata.namespace}/${metadata.name}`,
      addresses: [spec?.clusterIP ?? ''],
    }));
}

function networkCheck(
  description: string,
  anchor: string,
  subject: CheckSubject,
  addressesOf: (subject: CheckSubject) => Promise<Addressed[]>,
): Category['checks'][number] {
  return {
    description,
    anchor,
    remedy:
      'The value clusterNetworks covers every address of nodes, pods and Services: outside of it, proxies ask nobody where a connection leads and who may make it. Upgrade with `--set clusterNetworks=…` that holds all of them.',
    async run() {
      const [{ clusterNetworks }, things] = await Promise.all([subject.values(), addressesOf(subject)]);
      const networks = networkList(clusterNetworks);
      const outside = things.flatMap(({ name, addresses }) =>
        addresses.filter((address) => !contains(networks, address)).map((address) => `${name} (${address})`),
      );
      if (outside.length > 0)
        throw new CheckFailure(`the Linkerd clusterNetworks ["${clusterNetworks}"] do not include:`, outside);
    },
  };
}

export function networkList(text: string): BlockList {
  const list = new BlockList();
  for (const network of text.split(',').map((each) => each.trim())) {
    const [address = '', prefix] = network.split('/');
    const family = isIP(address);
    if (family === 0) continue;
    const kind = family === 4 ? 'ipv4' : 'ipv6';
    if (prefix === undefined) list.addAddress(address, kind);
    else list.addSubnet(address, Number(prefix), kind);
  }
  return list;
}

/** Whether an address, or the first address of a network, is in the list. */
export function contains(list: BlockList, address: string): boolean {
  const [first = ''] = address.split('/');
  const family = isIP(first);
  return family !== 0 && list.check(first, family === 4 ? 'ipv4' : 'ipv6');
}
