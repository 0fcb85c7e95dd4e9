/**
 * The controllers of one lab cluster: pure reconcilers over shared caches, started together. Each folder is one controller or
 * a family of them; `startControllers` wires them to a ClusterClient.
 */

export type { ApiServerAddress } from './service/index.ts';
export { type ControllersConfig, type ControllersDeps, type RunningControllers, startControllers } from './start.ts';
