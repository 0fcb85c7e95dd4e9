/**
 * Words for manifests that are rendered now or later: over known values they are what they say, over values that only Helm will
 * know they are expressions of its templates. One function of objects is thereby both `install` and a chart.
 */

export { Choice, Each, isPlain, Repeat, Splat, splatOf } from './nodes.ts';
export { call, goOf, isTrue, isUnknown, markText, truth, Unknown } from './unknown.ts';
export {
  all,
  any,
  atLeast,
  either,
  equals,
  forEach,
  joined,
  listed,
  merged,
  not,
  orElse,
  when,
  whole,
} from './words.ts';
