import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Material } from '../../../conformance/harness/pair/index.ts';
import { INNER, PEER_OFFSETS, type Protocol } from '../addresses.ts';

/** A program that Weft is compared with. */
export interface Peer {
  readonly name: string;
  /** Debian package or wheel, for the message when it is missing. */
  readonly program: string;
  /** First port of its block. */
  readonly port: number;
  readonly protocols: readonly Protocol[];
  /** Command lines of the two sides, after writing their configuration into `folder`. */
  commands(folder: string, material: Material): { outbound: string[]; inbound: string[] };
}

/** Where a side of a peer listens. */
export const outer = (peer: Peer, protocol: Protocol): number => peer.port + PEER_OFFSETS[protocol];
export const inner = (peer: Peer, protocol: Protocol): number => outer(peer, protocol) + INNER;

/** Writes a configuration; gives its path. */
export function writeConfig(folder: string, name: string, text: string): string {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}
