/**
 * The Container Network Interface as a kubelet drives it: the first network of a node's /etc/cni/net.d is a chain of plug-ins, the
 * lab's own one first as a rule; each is asked to ADD a pod's network namespace, hands its result to the next, and is asked to
 * DEL in reverse. Programs run as on a node: its network, its own /etc/cni, /opt/cni and /var, root's rights.
 */
export { type Attachment, type CniResult, type NetworkPlugin, PluginError, type RunPlugin } from './chain.ts';
export { NetworkNotReadyError } from './config.ts';
export { type AttachedPod, addressOf, LAB_PLUGIN, NodeNetwork } from './node-network.ts';
export { NodeView } from './node-view.ts';
