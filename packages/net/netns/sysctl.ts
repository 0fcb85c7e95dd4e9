import { writeFileSync } from 'node:fs';
import { inNamespaces } from './enter.ts';

/** Sets kernel network parameters of one network namespace: `{'net/ipv4/ip_forward': '1'}`. */
export function setSysctls(netPath: string | undefined, values: Readonly<Record<string, string>>): void {
  inNamespaces(netPath === undefined ? {} : { net: netPath }, () => {
    for (const [name, value] of Object.entries(values)) writeFileSync(`/proc/sys/${name}`, value);
  });
}
