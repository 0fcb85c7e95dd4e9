/** Admission of policy objects: refuses what the schemas of the CRDs cannot, with what was expected and what was seen. */
export { RULES, reviewPolicy } from './review.ts';
