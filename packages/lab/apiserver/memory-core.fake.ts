import { Cel } from '#lab/cel';
import { memoryLog, Store } from '#lab/store';
import { builtinResources } from './builtin.ts';
import { builtinKind } from './builtin-kind.ts';
import type { Admission, Core } from './core.ts';
import { ResourceRegistry } from './registry.ts';
import { builtinStrategies, ServiceAddresses } from './strategies/index.ts';

/** Admission that lets everything pass. */
export const OPEN_ADMISSION: Admission = {
  mutate: async ({ object }) => object,
  validate: async () => undefined,
};

/** A core on a memory store with every built-in resource, without admission; time stands at `nowMs`. */
export function memoryCore(overrides: Partial<Core> = {}): Core & { clock: { nowMs: number } } {
  const clock = { nowMs: Date.parse('2026-11-21T10:00:00Z') };
  const store = new Store(memoryLog());
  const nowMs = (): number => clock.nowMs;
  const registry = new ResourceRegistry();
  const addresses = new ServiceAddresses({ serviceCidr: '10.96.0.0/16', nodePortMin: 30_000, nodePortMax: 32_767 });
  const strategies = builtinStrategies({
    store,
    nowMs,
    addresses,
    definitions: {},
    cel: new Cel(),
    resources: () => registry.all(),
  });
  registry.set('builtin', builtinResources(builtinKind, strategies, {}));
  return {
    store,
    registry,
    admission: OPEN_ADMISSION,
    nowMs,
    random: Math.random,
    clock,
    ...overrides,
  };
}
