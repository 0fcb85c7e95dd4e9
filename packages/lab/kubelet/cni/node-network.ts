import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BoundPod } from '../types.ts';
import {
  type Attachment,
  addNetwork,
  type CniResult,
  checkNetwork,
  deleteNetwork,
  type PluginCall,
  PluginError,
} from './chain.ts';
import { type NetworkList, readNetwork } from './config.ts';
import type { NodeRun } from './node-view.ts';

/** The type of the lab's own plug-in, which is part of the kubelet. */
export const LAB_PLUGIN = 'lab-network';
/** What each node has from the start; others add themselves to it, or come before it. */
const OWN_FILE = '10-lab.conflist';
const OWN_LIST = { cniVersion: '1.0.0', name: 'lab', plugins: [{ type: LAB_PLUGIN }] };

const NET_FOLDER = '/etc/cni/net.d';
const BIN_FOLDER = '/opt/cni/bin';
const STATE_FOLDER = '/var/lib/cni';
const RUN_NETNS = '/run/netns';

/** A pod's network that was made, for its undoing. */
export interface AttachedPod {
  readonly list: NetworkList;
  readonly attachment: Attachment;
  /** File of the network namespace in this process's sight. */
  readonly net: string;
  readonly result?: CniResult;
}

/** Runs a program on the node (see {@link NodeView}). */
export interface NodePrograms {
  run(
    argv: readonly string[],
    options: {
      env: ReadonlyMap<string, string>;
      stdin: string;
      binds: readonly { source: string; mountPath: string; readOnly: boolean }[];
    },
  ): Promise<NodeRun>;
}

/** The network of one node's pods, as its net.d says. */
export class NodeNetwork {
  private readonly deps: { root: string; gateway: string; programs: NodePrograms; log(text: string): void };
  private readonly remarked = new Set<string>();

  /** `root`: the node's own files. `gateway`: the node's address. */
  constructor(deps: { root: string; gateway: string; programs: NodePrograms; log(text: string): void }) {
    this.deps = deps;
  }

  /** Makes the folders of plug-ins and, on a node without any network, the lab's own. */
  prepare(): void {
    const { root } = this.deps;
    for (const folder of [NET_FOLDER, BIN_FOLDER, STATE_FOLDER]) mkdirSync(join(root, folder), { recursive: true });
    const folder = join(root, NET_FOLDER);
    if (readdirSync(folder).length === 0)
      writeFileSync(join(folder, OWN_FILE), `${JSON.stringify(OWN_LIST, null, 2)}\n`);
  }

  /** The network that pods get now. @throws NetworkNotReadyError */
  read(): NetworkList {
    return readNetwork(join(this.deps.root, NET_FOLDER), (text) => {
      if (this.remarked.has(text)) return;
      this.remarked.add(text);
      this.deps.log(text);
    });
  }

  /** Whether the lab's plug-in makes the pod's interface; it can only be the first. */
  isOwn({ plugins }: NetworkList): boolean {
    return plugins[0]?.type === LAB_PLUGIN;
  }

  /**
   * Asks the plug-ins of a network for a pod. `net` is its namespace's file; `ip` what the lab's plug-in has given it. When one
   * fails, what was done is undone. @throws PluginError
   */
  async add(
    list: NetworkList,
    pod: BoundPod,
    { net, ip }: { net: string; ip: string | undefined },
  ): Promise<AttachedPod> {
    const attachment = attachmentOf(pod);
    const attached = { list, attachment, net };
    try {
      const result = await addNetwork(list, attachment, (call) => this.run(call, net, ip));
      return { ...attached, result };
    } catch (error) {
      await this.remove(attached);
      throw error;
    }
  }

  /** Asks the plug-ins whether a pod's network is as they made it. @throws PluginError */
  async check({ list, attachment, net, result }: AttachedPod): Promise<void> {
    if (result) await checkNetwork(list, attachment, result, (call) => this.run(call, net, undefined));
  }

  /** Undoes what {@link add} did. A plug-in that cannot leaves a line in the log: the namespace goes all the same. */
  async remove({ list, attachment, net, result }: AttachedPod): Promise<void> {
    const failures = await deleteNetwork(list, attachment, result, (call) => this.run(call, net, undefined));
    for (const { message } of failures) this.deps.log(`pod ${attachment.args['K8S_POD_NAME']}: ${message}`);
  }

  private async run(call: PluginCall, net: string, ip: string | undefined): Promise<CniResult | undefined> {
    const { type, command, attachment } = call;
    if (type === LAB_PLUGIN) return this.own(call, ip);
    const path = join(BIN_FOLDER, type);
    if (!existsSync(join(this.deps.root, path)))
      throw new PluginError(type, command, `failed to find plugin "${type}" in path [${BIN_FOLDER}]`);
    const ran = await this.deps.programs.run([path], {
      env: environment(call),
      stdin: JSON.stringify(call.config),
      binds: [{ source: net, mountPath: attachment.netns, readOnly: false }],
    });
    return answerOf(call, ran);
  }

  /** The kubelet has made the interface with the namespace, in one go; this says so. */
  private own({ type, command, config, attachment }: PluginCall, ip: string | undefined): CniResult | undefined {
    if (command !== 'ADD') return undefined;
    if (config['prevResult'] !== undefined) throw new PluginError(type, command, 'it must be the first of its chain');
    const cniVersion = String(config['cniVersion']);
    const isOld = cniVersion.startsWith('0.');
    return {
      cniVersion,
      interfaces: [{ name: attachment.ifName, sandbox: attachment.netns }],
      ips: [{ interface: 0, address: `${ip}/32`, gateway: this.deps.gateway, ...(isOld && { version: '4' }) }],
      routes: [{ dst: '0.0.0.0/0', gw: this.deps.gateway }],
      dns: {},
    };
  }
}

/** The address that plug-ins gave a pod. */
export const addressOf = ({ result }: AttachedPod): string | undefined => result?.ips?.[0]?.address.split('/')[0];

function attachmentOf({ metadata, spec }: BoundPod): Attachment {
  const { name = '', namespace = '', uid = '', annotations = {} } = metadata;
  const containerId = createHash('sha256').update(uid).digest('hex');
  const portMappings = spec.containers.flatMap(({ ports = [] }) =>
    ports
      .filter(({ hostPort }) => hostPort)
      .map(({ hostPort, containerPort, protocol = 'TCP', hostIP = '' }) => ({
        hostPort,
        containerPort,
        protocol: protocol.toLowerCase(),
        hostIP,
      })),
  );
  return {
    containerId,
    netns: `${RUN_NETNS}/cni-${uid}`,
    ifName: 'eth0',
    args: {
      IgnoreUnknown: '1',
      K8S_POD_NAMESPACE: namespace,
      K8S_POD_NAME: name,
      K8S_POD_INFRA_CONTAINER_ID: containerId,
      K8S_POD_UID: uid,
    },
    capabilityArgs: {
      ...(portMappings.length > 0 && { portMappings }),
      'io.kubernetes.cri.pod-annotations': annotations,
    },
  };
}

const environment = ({ command, attachment }: PluginCall): ReadonlyMap<string, string> =>
  new Map([
    ['CNI_COMMAND', command],
    ['CNI_CONTAINERID', attachment.containerId],
    ['CNI_NETNS', attachment.netns],
    ['CNI_IFNAME', attachment.ifName],
    [
      'CNI_ARGS',
      Object.entries(attachment.args)
        .map(([key, value]) => `${key}=${value}`)
        .join(';'),
    ],
    ['CNI_PATH', BIN_FOLDER],
  ]);

const STDERR_SHOWN_CHARS = 500;

/** What a plug-in printed: a result, or the specification's error object. @throws PluginError */
function answerOf({ type, command }: PluginCall, { exitCode, stdout, stderr }: NodeRun): CniResult | undefined {
  const text = stdout.trim();
  const fail = (why: string) => new PluginError(type, command, why);
  if (exitCode !== 0) {
    const { msg, details } = errorOf(text);
    const remarks = stderr.trim().slice(-STDERR_SHOWN_CHARS);
    const why = msg || (remarks ? `exit code ${exitCode}: ${remarks}` : `exit code ${exitCode}`);
    throw fail(details ? `${why}; ${details}` : why);
  }
  if (command !== 'ADD' || text === '') return undefined;
  try {
    return JSON.parse(text) as CniResult;
  } catch (error) {
    throw fail(`its result is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function errorOf(text: string): { msg?: string; details?: string } {
  try {
    return JSON.parse(text) as { msg?: string; details?: string };
  } catch {
    // A plug-in that crashed has printed no error object; its exit code and remarks tell then.
    return {};
  }
}
