/** Values of an installation for tests. */
import type { InjectorValues } from './values.ts';

const VALUES: InjectorValues = {
  linkerdVersion: 'v1',
  clusterDomain: 'cluster.local',
  clusterNetworks: '10.0.0.0/8',
  identityTrustAnchorsPEM: '-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\n',
  imagePullPolicy: 'IfNotPresent',
  cniEnabled: false,
  disableIPv6: true,
  identity: { serviceAccountTokenProjection: true },
  proxy: {
    await: true,
    image: { name: 'cr.l5d.io/linkerd/proxy', version: '' },
    ports: { admin: 4191, control: 4190, inbound: 4143, outbound: 4140 },
    uid: 2102,
    gid: -1,
    logLevel: 'warn,linkerd=info',
    logFormat: 'plain',
    defaultInboundPolicy: 'all-unauthenticated',
    opaquePorts: '25,3306',
    enableExternalProfiles: false,
    nativeSidecar: true,
    waitBeforeExitSeconds: 0,
    disableOutboundProtocolDetectTimeout: false,
    disableInboundProtocolDetectTimeout: false,
    enableShutdownEndpoint: false,
  },
  proxyInit: {
    ignoreInboundPorts: '4567,4568',
    ignoreOutboundPorts: '4567,4568',
    iptablesMode: 'nft',
    runAsRoot: false,
    privileged: false,
  },
};

type Tree = Record<string, unknown>;

/** The defaults with `changes` merged in. */
export function valuesOf(changes: object = {}): InjectorValues {
  const merge = (base: Tree, over: Tree): Tree => {
    const merged = { ...base };
    for (const [key, value] of Object.entries(over)) {
      const isTree = typeof value === 'object' && value !== null && !Array.isArray(value);
      merged[key] = isTree ? merge((base[key] ?? {}) as Tree, value as Tree) : value;
    }
    return merged;
  };
  return merge(structuredClone(VALUES) as unknown as Tree, changes as Tree) as unknown as InjectorValues;
}
