/**
 * Mesh TLS: version 1.3 only, both sides certified, peers known by the names in their certificates and never by host names.
 * Server and client wrap sockets that are already connected.
 */
export { secureContext, TLS_PARAMETERS, type TlsMaterial } from './context.ts';
export { type HandshakeSink, type OriginateOptions, originate, type TerminateOptions, terminate } from './handshake.ts';
export { sanNames } from './names.ts';
export { rootsSha256 } from './roots.ts';
