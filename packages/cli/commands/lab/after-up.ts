import type { LabPlan } from '#lab/supervisor';
import { MESH_STEP } from '../../mesh/lab-step.ts';

/** A lab that is up, as what builds on it sees it. */
export interface LabUp {
  plan: LabPlan;
  /** Contexts are the clusters' names. */
  kubeconfig: string;
  progress(line: string): void;
  /** Fires when the user gives up. */
  signal: AbortSignal;
}

/** Something `lab up` can do once the clusters are ready, asked for by a flag. */
export interface AfterUpStep {
  /** E.g. `--mesh`. */
  flag: string;
  description: string;
  run(lab: LabUp): Promise<void>;
}

/** The steps, in the order in which they run. The lab itself knows none of what they install. */
export const AFTER_UP: readonly AfterUpStep[] = [MESH_STEP];
