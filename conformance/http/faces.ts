/** Where requests are sent: the faces of Weft's proxies, and the peers that stand beside them. */
import { type PortScript, SERVER_IP, SERVICE_IP } from '../harness/pair/index.ts';

export type Version = 'http1' | 'http2';
export type Contender = 'Weft' | 'nginx' | 'HAProxy';

export interface Face {
  /** E.g. `inbound`; unique among those of one version. */
  readonly name: string;
  readonly contender: Contender;
  readonly version: Version;
  readonly host: string;
  readonly port: number;
  /** Where the origin hears what came through here, and nothing else. */
  readonly originPort: number;
  /** Bytes that are no HTTP from their first line on are carried unread: the port's policy leaves its protocol open. */
  readonly detects?: boolean;
  /** Reached through mutual TLS of the mesh, as by a proxy of a client. */
  readonly meshTls?: boolean;
}

const weft = (name: string, version: Version, host: string, port: number, more: Partial<Face> = {}): Face => ({
  name,
  contender: 'Weft',
  version,
  host,
  port,
  originPort: port,
  ...more,
});
const peer = (contender: Contender, version: Version, port: number, originPort: number): Face => ({
  name: contender,
  contender,
  version,
  host: SERVER_IP,
  port,
  originPort,
});

export const FACES: readonly Face[] = [
  weft('inbound', 'http1', SERVER_IP, 8101),
  weft('outbound', 'http1', SERVICE_IP, 7102),
  weft('inbound, detecting', 'http1', SERVER_IP, 8103, { detects: true }),
  weft('outbound, detecting', 'http1', SERVICE_IP, 7104, { detects: true }),
  weft('inbound, mesh TLS', 'http1', SERVER_IP, 8105, { meshTls: true }),
  weft('outbound, upgraded', 'http1', SERVICE_IP, 7106),
  peer('nginx', 'http1', 9101, 8107),
  peer('HAProxy', 'http1', 9201, 8108),
  weft('inbound', 'http2', SERVER_IP, 8201),
  weft('outbound', 'http2', SERVICE_IP, 7202),
  weft('inbound, detecting', 'http2', SERVER_IP, 8203, { detects: true }),
  weft('outbound, detecting', 'http2', SERVICE_IP, 7204, { detects: true }),
  weft('inbound, mesh TLS', 'http2', SERVER_IP, 8205, { meshTls: true }),
  peer('nginx', 'http2', 9102, 8207),
  peer('HAProxy', 'http2', 9202, 8208),
];

/** What the control plane says of Weft's ports. */
export const PORT_SCRIPTS: readonly PortScript[] = FACES.filter(({ contender }) => contender === 'Weft').map(
  (face) => ({
    port: face.port,
    protocol: face.detects ? 'detect' : face.version,
    ...(face.name.endsWith('upgraded') && { upgrade: true }),
  }),
);

export const ORIGIN_PORTS: readonly number[] = FACES.map(({ originPort }) => originPort);
