/**
 * The data plane: a transparent proxy beside each pod. Inbound it terminates mesh TLS and asks the port's policy; outbound it
 * discovers, balances and dials with mutual TLS. `runProxy` is the process, `build` the same with its world as arguments.
 */
export { type Bound, type BuildDeps, build } from './build.ts';
export { runProxy } from './main.ts';
