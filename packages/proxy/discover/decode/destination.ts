import { decodeIp, type destination } from '#api/mesh';
import type { DestinationUpdate } from '../types.ts';
import { decodeEndpoint } from './endpoint.ts';

/** A change of an endpoint set; undefined: the message says nothing usable and is ignored. */
export function decodeUpdate({ update }: destination.Update): DestinationUpdate | undefined {
  switch (update.case) {
    case 'add': {
      const { addrs, metricLabels } = update.value;
      const endpoints = addrs.flatMap((addr) => decodeEndpoint(addr, metricLabels) ?? []);
      return endpoints.length === 0 ? undefined : { kind: 'add', endpoints };
    }
    case 'remove': {
      const addrs = update.value.addrs.flatMap((addr) => {
        const ip = decodeIp(addr.ip);
        return ip === undefined ? [] : [{ ip, port: addr.port & 0xffff }];
      });
      return { kind: 'remove', addrs };
    }
    case 'noEndpoints':
      return { kind: 'none', exists: update.value.exists };
    default:
      return undefined;
  }
}
