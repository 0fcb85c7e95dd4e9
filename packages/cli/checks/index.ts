/** `check`: categories of checks as tables, an engine that runs them with retries, and three ways to print results. */
export { allCategories } from './catalogue.ts';
export {
  type Category,
  type CategoryResult,
  type Check,
  CheckFailure,
  type CheckOutcome,
  type CheckResult,
  CheckSkipped,
} from './check.ts';
export { type CoreOptions, coreCategories } from './core.ts';
export { type RunOptions, runCategories } from './engine.ts';
export { multiclusterCategory } from './multicluster.ts';
export { type OutputFormat, printResults, resultsJson } from './print.ts';
export { CheckSubject } from './subject.ts';
