/**
 * Entering namespaces from inside this process: sockets opened and programs started within `inNamespaces` belong to the
 * target, without a helper process. Only the calling thread moves, only for the length of a synchronous function.
 */
export * from './dial.ts';
export * from './enter.ts';
export * from './sysctl.ts';
