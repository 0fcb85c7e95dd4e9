/**
 * The command line: every role of the executable and every verb of the user, plus what other packages compose with it
 * (manifests of the mesh, certificates). Nothing here is loaded before the verb that needs it.
 */
export type { CliContext, CommandRegistrar, Connection, GlobalFlags, Io } from './context.ts';
export { ROLES, type Role } from './roles.ts';
export { run } from './run.ts';
export { VERSION } from './version.ts';
