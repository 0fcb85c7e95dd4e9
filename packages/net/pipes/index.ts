/**
 * Real pipes to other programs. The runtime hands its children sockets, which they cannot open again as /dev/stdout; containers
 * do that. The one place that reads and writes pipe descriptors by the runtime's own means, as Node would block a thread each.
 */
export * from './pipes.ts';
