/**
 * kubectl's JSONPath, the part that printer columns, scale paths and selectable fields use: fields, escaped dots, indices,
 * slices, wildcards, unions, recursive descent and filters. `{…}` around a path is accepted; templates with text are not.
 */
export { type JsonPath, JsonPathError, parseJsonPath } from './jsonpath.ts';
export { printJsonPathValue } from './print.ts';
