/** What the control plane tells a proxy, as the proxy's own types. */
export * from './endpoint-info.ts';
export * from './http-routes.ts';
export * from './meta.ts';
export * from './outbound-policy.ts';
export * from './profile.ts';
export * from './server-policy.ts';
export * from './streams.ts';
