import { parsePortList, readAnnotations } from '#model/annotations';
import { INIT_CONTAINER, LABELS, PROXY_CONTAINER } from '#model/names';
import { CaptureError, type CaptureOptions, type PortRange } from './options.ts';

/** The section `linkerd` of the plug-in's network configuration. Absent fields have the init container's defaults. */
export interface CniSettings {
  'incoming-proxy-port'?: number;
  'outgoing-proxy-port'?: number;
  'proxy-uid'?: number;
  /** Negative or zero: only the user id exempts the proxy. */
  'proxy-gid'?: number;
  'ports-to-redirect'?: readonly (string | number)[];
  'inbound-ports-to-ignore'?: readonly (string | number)[];
  'outbound-ports-to-ignore'?: readonly (string | number)[];
  simulate?: boolean;
  'use-wait-flag'?: boolean;
  'iptables-mode'?: string;
  ipv6?: boolean;
}

interface CniContainer {
  name: string;
  ports?: readonly { name?: string; containerPort: number }[];
}

/** What the plug-in looks at of a pod. */
export interface CniPod {
  labels: Readonly<Record<string, string>>;
  annotations: Readonly<Record<string, string>>;
  containers: readonly CniContainer[];
  initContainers: readonly CniContainer[];
}

/** Whether the plug-in is to capture the pod's traffic: it has a proxy, and no init container that does it. */
export function isCaptured({ containers, initContainers }: CniPod): boolean {
  const has = (name: string, among: readonly CniContainer[]): boolean => among.some((each) => each.name === name);
  if (has(INIT_CONTAINER, initContainers)) return false;
  return has(PROXY_CONTAINER, containers) || has(PROXY_CONTAINER, initContainers);
}

/** What the options depend on beside the configuration. */
export interface CniPlace {
  pod: CniPod;
  namespaceAnnotations: Readonly<Record<string, string>>;
  /** Ports of the API server, which pods of the control plane reach without their proxy. */
  apiServerPorts: readonly number[];
  /** Path of the pod's network namespace. */
  netns: string;
}

/**
 * The rules of one pod: the configuration with the annotations of the pod, else of its namespace. Outbound ports and subnets
 * replace the configured ones, inbound ports are added to them. `problems` says which annotations could not be read; those
 * change nothing.
 */
export function cniCaptureOptions(
  settings: CniSettings,
  place: CniPlace,
  defaults: CaptureOptions,
): { options: CaptureOptions; problems: string[] } {
  const { pod } = place;
  const { values, bad } = readAnnotations({ ...place.namespaceAnnotations, ...pod.annotations });
  const { skipInboundPorts, skipOutboundPorts, skipSubnets, proxyUid, proxyGid } = values;
  const isControlPlane = pod.labels[LABELS.controlPlaneComponent] !== undefined;
  const apiServer = isControlPlane ? place.apiServerPorts.map((port) => ({ from: port, to: port })) : [];
  const gid = proxyGid ?? settings['proxy-gid'] ?? 0;
  const options: CaptureOptions = {
    ...defaults,
    incomingProxyPort: settings['incoming-proxy-port'] ?? defaults.incomingProxyPort,
    outgoingProxyPort: settings['outgoing-proxy-port'] ?? defaults.outgoingProxyPort,
    proxyUid: proxyUid ?? settings['proxy-uid'] ?? defaults.proxyUid,
    proxyGid: gid > 0 ? gid : undefined,
    portsToRedirect: configuredPorts(settings, 'ports-to-redirect'),
    inboundPortsToIgnore: [
      ...configuredPorts(settings, 'inbound-ports-to-ignore'),
      ...portsOf(skipInboundPorts ?? '', pod),
    ],
    outboundPortsToIgnore: [
      ...(skipOutboundPorts === undefined
        ? configuredPorts(settings, 'outbound-ports-to-ignore')
        : portsOf(skipOutboundPorts, pod)),
      ...apiServer,
    ],
    subnetsToIgnore: (skipSubnets ?? '')
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== ''),
    simulate: settings.simulate ?? false,
    iptablesMode: modeOf(settings['iptables-mode']),
    ipv6: settings.ipv6 ?? defaults.ipv6,
    netns: place.netns,
  };
  return { options, problems: bad.map(({ message }) => message) };
}

/** Numbers, ranges, and names of the pod's container ports; names that it lacks are left out. */
function portsOf(text: string, { containers, initContainers }: CniPod): PortRange[] {
  const declared = [...containers, ...initContainers].flatMap((each) => each.ports ?? []);
  return (parsePortList(text) ?? []).flatMap((part) =>
    'name' in part
      ? declared
          .filter(({ name }) => name === part.name)
          .map(({ containerPort }) => ({ from: containerPort, to: containerPort }))
      : [{ from: part.low, to: part.high }],
  );
}

function configuredPorts(settings: CniSettings, name: keyof CniSettings): PortRange[] {
  const list = (settings[name] ?? []) as readonly (string | number)[];
  return list.flatMap((item) => {
    const parts = parsePortList(String(item));
    if (!parts || parts.some((part) => 'name' in part))
      throw new CaptureError(`linkerd.${name}: expected ports and ranges, got ${JSON.stringify(item)}`);
    return parts.flatMap((part) => ('name' in part ? [] : [{ from: part.low, to: part.high }]));
  });
}

function modeOf(text: string | undefined): CaptureOptions['iptablesMode'] {
  if (text === undefined || text === '') return undefined;
  if (text === 'legacy' || text === 'nft' || text === 'plain') return text;
  throw new CaptureError(`linkerd.iptables-mode: expected legacy, nft or plain, got ${JSON.stringify(text)}`);
}
