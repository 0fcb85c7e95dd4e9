/** Pods for all tests of a file. */
import { after, before } from 'node:test';
import { type Pod, type PodOptions, planPods } from './pods.ts';
import { World } from './world.ts';

const START_MS = 60_000;

/** Pods by their names, and what is said to their proxies. */
export type InUse<Name extends string> = { readonly world: World } & Readonly<Record<Name, Pod>>;

/**
 * Makes pods before the first test of the file that calls it, then runs `prepare`, and ends them after the last one whatever happens.
 * They are there at once to be named; what they do works from `prepare` on.
 */
export function usePods<Name extends string>(
  options: Readonly<Record<Name, Omit<PodOptions, 'name'>>>,
  prepare: () => void = () => undefined,
  world = new World(),
): InUse<Name> {
  const names = Object.keys(options) as Name[];
  const pods = planPods(
    names.map((name) => ({ ...options[name], name })),
    world,
  );
  before(
    async () => {
      await pods.start();
      prepare();
    },
    { timeout: START_MS },
  );
  after(() => pods.close());
  return Object.assign({ world }, Object.fromEntries(names.map((name) => [name, pods.pod(name)]))) as InUse<Name>;
}
