/**
 * The lab around its clusters: plans addresses, makes the outer namespaces and the backbone network, keeps one process per
 * cluster, relays loopback ports of the host to their API servers, and leaves nothing behind.
 */
export { type LabReport, labDown, labNames, labStatus } from './down.ts';
export { DEFAULT_ROOT, type LabFolders, labFolders } from './folders.ts';
export { type ClusterStatus, type HostMessage, runHost } from './host.ts';
export { labEnvironment, labShellArgv } from './inside.ts';
export { type Killed, killCluster, killContainers } from './kill.ts';
export { LIMITS } from './limits.ts';
export { changeFaults, listFaults, type NetChange, type ReportedFault } from './net-faults.ts';
export { type ClusterPlan, type LabPlan, type NodePlan, type PlanOptions, planLab } from './plan.ts';
export { quote } from './shell.ts';
export { labUp, REQUIRED_PROGRAMS, type UpOptions } from './up.ts';
