/**
 * The mesh put into clusters without kubectl: what `install` prints, applied, and waited for. `lab up --mesh` and the
 * demonstration are made of these steps; each is safe to repeat.
 */
export { type InstallSteps, installMesh, type MeshedCluster } from './install.ts';
export { MESH_STEP } from './lab-step.ts';
export { createSharedTrust } from './trust.ts';
export { waitForDeployments } from './wait.ts';
