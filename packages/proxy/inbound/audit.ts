import type { Fields } from '#runtime/log';
import type { Authorization, Meta } from '../discover/index.ts';
import type { ClientTls } from './authorize.ts';

/** A client that some authorization admitted. */
export interface Admission {
  readonly server: Meta;
  /** Absent: of a connection whose bytes go through unread. */
  readonly route?: Meta;
  readonly authorization: Authorization;
  readonly tls: ClientTls;
  /** Where the client is, as text. */
  readonly addr: string;
}

/**
 * What the log tells of a client that is let in only because its port audits: `server.kind`, `server.name`, …, `client.tls` (the
 * client's identity, `anonymous` or `none`), `client.ip`, and `authz.name`, which is `audit`. Undefined: nothing audits.
 */
export function auditFields({ server, route, authorization, tls, addr }: Admission): Fields | undefined {
  const { kind, name } = authorization.meta;
  if (kind !== 'default' || name !== 'audit') return undefined;
  return { ...clientFields({ server, ...(route && { route }), tls, addr }), ...named('authz', authorization.meta) };
}

/** Who asks, and for what: the same without `authz`. */
export const clientFields = ({ server, route, tls, addr }: Omit<Admission, 'authorization'>): Fields => ({
  ...named('server', server),
  ...(route && named('route', route)),
  'client.tls': tls.terminated ? (tls.identity ?? 'anonymous') : 'none',
  'client.ip': addr,
});

const named = (what: string, { group, kind, name }: Meta): Fields => ({
  [`${what}.group`]: group,
  [`${what}.kind`]: kind,
  [`${what}.name`]: name,
});
