import { Cidr, parseIp } from '../discover/index.ts';

/** Where one gets to oneself. The addresses of nobody do so too, on Linux. */
const LOOPBACK = ['127.0.0.0/8', '0.0.0.0/8', '::1/128', '::/128'].flatMap((text) => {
  const [ip = '', prefix] = text.split('/');
  return Cidr.of({ ip, prefix: Number(prefix) }) ?? [];
});

/** Whether connections to this address end in the pod itself, where the proxy's own ports are: nobody may be sent there. */
export function isLoopback(ip: string): boolean {
  const bytes = parseIp(ip);
  return bytes !== undefined && LOOPBACK.some((network) => network.contains(bytes));
}
