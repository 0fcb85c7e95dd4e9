/**
 * The mesh's names: identities of workloads, DNS names of services, authorities, the keys of labels and annotations that
 * every part agrees on, and the context and workload tokens by which a proxy says who it is.
 */
export * from './authority.ts';
export * from './identity.ts';
export * from './keys.ts';
export * from './token.ts';
