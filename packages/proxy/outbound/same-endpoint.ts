import type { EndpointInfo } from '../discover/index.ts';

/** Whether connections to the one can serve as connections to the other, with the same metrics. */
export function isSameConnection(a: EndpointInfo, b: EndpointInfo): boolean {
  return (
    a.h2 === b.h2 &&
    a.opaque === b.opaque &&
    a.inboundPort === b.inboundPort &&
    a.tls?.identity === b.tls?.identity &&
    a.tls?.serverName === b.tls?.serverName &&
    a.authorityOverride?.authority === b.authorityOverride?.authority &&
    isSameFlat(a.labels, b.labels) &&
    (a.http2 === b.http2 || JSON.stringify(a.http2) === JSON.stringify(b.http2)) &&
    (a.resource === b.resource || JSON.stringify(a.resource) === JSON.stringify(b.resource))
  );
}

/** Whether the one has the same place among the others as the other. */
export function isSameStanding(a: EndpointInfo, b: EndpointInfo): boolean {
  return a.weight === b.weight && a.locality === b.locality && a.priority === b.priority;
}

function isSameFlat(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  if (a === b) return true;
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}
