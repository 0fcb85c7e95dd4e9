/** The ports of the mesh, as Linkerd's charts number them. */
export const PORTS = {
  /** Proxy: connections that leave the pod are redirected here. */
  outbound: 4140,
  /** Proxy: connections that enter the pod are redirected here; peers also dial it themselves, with a transport header. */
  inbound: 4143,
  /** Proxy: tap. */
  control: 4190,
  /** Proxy: /live, /ready, /metrics. */
  admin: 4191,
  identity: 8080,
  destination: 8086,
  policy: 8090,
} as const;

/** User id of the proxy: what it sends itself is not redirected again. */
export const PROXY_UID = 2102;

/** Inbound ports that are never redirected, whatever the annotations say. */
export const INBOUND_PORTS_SKIPPED = [4190, 4191, 4567, 4568] as const;

/** Outbound ports that are never redirected. */
export const OUTBOUND_PORTS_SKIPPED = [4567, 4568] as const;

/** Ports whose protocols let the server speak first, or are no HTTP: opaque unless said otherwise. */
export const OPAQUE_PORTS_DEFAULT = [25, 587, 3306, 4444, 5432, 6379, 9300, 11211] as const;
