/** Label selectors (text and object form) and field selectors (text form): parsing and matching, with kube's error texts. */
export { type FieldRequirement, matchesFields, parseFieldSelector } from './field-selector.ts';
export {
  isEmptySelector,
  type LabelRequirement,
  labelSelectorText,
  matchesLabelSelector,
  matchesLabels,
  parseLabelSelector,
  selectsMap,
} from './label-selector.ts';
