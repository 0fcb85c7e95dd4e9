/** Messages of the mesh's API as a control plane sends them, made from the few words in which scenarios differ. */
export * from './endpoints.ts';
export * from './inbound.ts';
export * from './outbound.ts';
export * from './values.ts';
