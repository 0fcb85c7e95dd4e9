import type { ConfigReader } from './env.ts';
import type { DnsSettings } from './etc-files.ts';
import type { PodResources } from './pod-resources.ts';
import type { Template } from './template.ts';
import type { BoundPod } from './types.ts';

/** An event about one container, or about the pod when there is no field path. */
export interface PodEvent {
  type: 'Normal' | 'Warning';
  reason: string;
  message: string;
  fieldPath?: string;
}

/** What a pod's containers know of their pod; kept up to date by its worker. */
export interface PodContext {
  pod: BoundPod;
  readonly config: ConfigReader;
  readonly template: Template;
  readonly dns: DnsSettings;
  readonly resources: PodResources;
  /** The pod's termination grace period. */
  graceMs: number;
  /** Fires when the pod is being stopped. */
  readonly ending: AbortSignal;
  /** Runs a start when the node has room for one. */
  limited<T>(task: () => Promise<T>): Promise<T>;
  /** The pid of a running container, whose processes a debugging container may want to see. */
  targetPid(name: string): number | undefined;
  /** Something that shows in the status may have changed. */
  changed(): void;
  event(event: PodEvent): void;
}
