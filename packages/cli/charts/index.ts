/**
 * Helm charts made from the same functions that `install` runs: over open values, whose expressions are printed as templates.
 */
export { chartFiles } from './files.ts';
