/**
 * Runs until it ends; the arguments are those after the role's word. Resolves with the exit code, or with nothing where the
 * role set the process's own.
 */
export type Role = (argv: readonly string[], env: NodeJS.ProcessEnv) => Promise<number> | Promise<void>;

/**
 * The processes of the mesh, by the word that selects them. Each is loaded only when asked for. Names with two spellings
 * follow Linkerd's manifests.
 */
export const ROLES: Readonly<Record<string, () => Promise<Role>>> = {
  proxy: async () => (await import('#proxy')).runProxy,
  init: async () => (await import('#proxy/capture')).runInit,
  'network-validator': async () => (await import('#proxy/capture')).runNetworkValidator,
  cni: async () => (await import('./cni/index.ts')).runCni,
  'cni-repair-controller': async () => (await import('#control/cni')).runCniRepair,
  await: async () => (await import('./await.ts')).runAwait,
  identity: async () => (await import('#control/identity')).runIdentity,
  destination: async () => (await import('#control/destination')).runDestination,
  policy: async () => (await import('#control/policy')).runPolicy,
  injector: async () => (await import('#control/injector')).runInjector,
  'proxy-injector': async () => (await import('#control/injector')).runInjector,
  'sp-validator': async () => (await import('#control/sp-validator')).runSpValidator,
  'service-mirror': async () => (await import('#extensions/multicluster')).runServiceMirror,
};
