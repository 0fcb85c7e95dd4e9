/**
 * What `kubectl get` shows of each built-in kind: the columns and cells of a Table. After pkg/printers/internalversion of
 * Kubernetes 1.34.
 */
import { CLUSTER } from './cluster.ts';
import { CONTROL } from './control.ts';
import { NETWORK } from './network.ts';
import { POD } from './pods.ts';
import { ageOf, nameOf, type Printer, printer } from './printer.ts';
import { WORKLOADS } from './workloads.ts';

export { humanDuration, timestampAge } from './age.ts';
export { type PodSummary, summarizePod } from './pods.ts';
export type { Printer, TableColumn } from './printer.ts';

const PRINTERS: Readonly<Record<string, Printer>> = {
  '/v1/Pod': POD,
  ...WORKLOADS,
  ...NETWORK,
  ...CLUSTER,
  ...CONTROL,
};

const PLAIN = printer('Name|Age', (object, nowMs) => [nameOf(object), ageOf(object, nowMs)]);

/** The printer of a kind; Name and Age for those without one of their own. */
export const printerOf = (group: string, version: string, kind: string): Printer =>
  PRINTERS[`${group}/${version}/${kind}`] ?? PLAIN;

/** Kinds with a printer of their own, as `group/version/Kind`. */
export const printedKinds = (): string[] => Object.keys(PRINTERS);
