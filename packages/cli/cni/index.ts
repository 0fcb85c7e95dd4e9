/**
 * The CNI plug-in and its installer. A container runtime calls the plug-in (the executable, named linkerd-cni) with CNI_COMMAND
 * in its environment and the network configuration on standard input; `weft cni install` puts it on a node and keeps it there.
 */
export { type InstallerFiles, installerFiles, NodeInstallation } from './node.ts';
export { type CniDeps, cniPlugin } from './plugin.ts';
export { runCni } from './run.ts';
