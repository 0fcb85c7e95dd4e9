/** The ports of a federated service: those of the member that leads, and what others have besides. */
import { LOCAL_CLUSTER } from '#model/federation';
import type { PortCoverage } from '../link/index.ts';
import type { ServicePort } from './service.ts';

/** Annotations by which members that do not lead say their ports: one a cluster, a JSON list of Service ports. */
const PREFIX = 'ports.multicluster.weft.dev/';
export const portsKey = (cluster: string): string => PREFIX + (cluster || LOCAL_CLUSTER);
export const isPortsKey = (key: string): boolean => key.startsWith(PREFIX);

/** What members that do not lead said of their ports. */
export const saidPorts = (annotations: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(annotations).filter(([key]) => isPortsKey(key)));

/** What a member says of its ports; where they lead to is its own matter. */
export const sayPorts = (ports: readonly ServicePort[]): string => JSON.stringify(sayablePorts(ports));
export const sayablePorts = (ports: readonly ServicePort[]): ServicePort[] =>
  ports.map(({ targetPort: _, ...port }) => port);

/**
 * The leader's ports, then those of the others in the order of `said`: the first to have a number or a name keeps both, as the MCS API
 * (KEP-1645) has it. Among several, a port without a name gets one made of its number.
 */
export function unitePorts(leader: readonly ServicePort[], said: readonly string[]): ServicePort[] {
  const united = [...leader];
  for (const port of said.flatMap(readPorts)) {
    const clashes = (other: ServicePort) => isSamePlace(other, port) || nameOf(other) === nameOf(port);
    if (!united.some(clashes)) united.push(port);
  }
  return united.length === 1 ? united : united.map((port) => ({ ...port, name: nameOf(port) }));
}

/** Which of the ports that clients see a member has. */
export function portCoverage(member: readonly ServicePort[], united: readonly ServicePort[]): PortCoverage {
  const missing = united.filter((port) => !member.some((own) => isSamePlace(own, port)));
  return {
    total: united.length,
    covered: united.length - missing.length,
    ...(missing.length > 0 && { missing: missing.map((port) => `${port.port}/${protocolOf(port)}`) }),
  };
}

/** In words, how a member's ports differ from those that clients see; undefined when they do not. */
export function portConflict(member: readonly ServicePort[], united: readonly ServicePort[]): string | undefined {
  const conflicts = member.flatMap((port) => {
    const seen = united.find((other) => isSamePlace(other, port));
    if (!seen) {
      const other = united.find((each) => each.name === port.name);
      return [`port ${port.port} is not there${other ? `: ${other.name} is port ${other.port}` : ''}`];
    }
    return [
      ...differs(`port ${port.port}`, 'name', port.name, isMade(seen) ? port.name : seen.name),
      ...differs(`port ${port.port}`, 'appProtocol', port.appProtocol, seen.appProtocol),
    ];
  });
  return conflicts.length > 0 ? `Ports differ from those of the federated service: ${conflicts.join('; ')}` : undefined;
}

const differs = (what: string, field: string, own: string | undefined, seen: string | undefined): string[] =>
  (own ?? '') === (seen ?? '')
    ? []
    : [`${what} has ${field} ${JSON.stringify(own ?? '')} here, ${JSON.stringify(seen ?? '')} there`];

const protocolOf = ({ protocol = 'TCP' }: ServicePort): string => protocol;
export const isSamePlace = (a: ServicePort, b: ServicePort): boolean =>
  a.port === b.port && protocolOf(a) === protocolOf(b);
const madeName = (port: ServicePort): string => `${protocolOf(port).toLowerCase()}-${port.port}`;
const nameOf = (port: ServicePort): string => port.name || madeName(port);
const isMade = (port: ServicePort): boolean => port.name === madeName(port);

/** Nothing, where somebody else has written there. */
function readPorts(text: string): ServicePort[] {
  try {
    const ports: unknown = JSON.parse(text);
    return Array.isArray(ports) ? ports.filter(isPort).map(cleanPort) : [];
  } catch {
    return []; // its member writes it anew at its next reconciliation
  }
}

export const isPort = (port: Partial<ServicePort> | null): port is ServicePort =>
  Number.isInteger(port?.port) && Number(port?.port) > 0 && Number(port?.port) < 65536;

const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);

export function cleanPort({ port, ...rest }: ServicePort): ServicePort {
  const [name, protocol, appProtocol] = [text(rest.name), text(rest.protocol), text(rest.appProtocol)];
  return { ...(name && { name }), ...(protocol && { protocol }), port, ...(appProtocol && { appProtocol }) };
}
