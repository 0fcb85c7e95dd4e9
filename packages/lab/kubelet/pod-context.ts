import type { ConfigReader } from './env.ts';
import type { DnsSettings } from './etc-files.ts';
import type { PodPlace } from './field-ref.ts';
import type { Sandbox } from './sandbox.ts';
import type { Template } from './template.ts';
import type { BoundPod } from './types.ts';
import type { PodVolumes } from './volumes.ts';

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
  readonly volumes: PodVolumes;
  readonly nodeNet: string;
  /** Folder on disk for the containers' layers. */
  readonly diskFolder: string;
  readonly logFolder: string;
  sandbox: Sandbox | undefined;
  place: PodPlace;
  /** The pod's termination grace period. */
  graceMs: number;
  /** Fires when the pod is being stopped. */
  readonly ending: AbortSignal;
  /** Runs a start when the node has room for one. */
  limited<T>(task: () => Promise<T>): Promise<T>;
  /** A pid in the process namespace to join: that of all containers, if they share one, or that of a debugging target. */
  sharedPid(target?: string): number | undefined;
  /** Something that shows in the status may have changed. */
  changed(): void;
  event(event: PodEvent): void;
}
