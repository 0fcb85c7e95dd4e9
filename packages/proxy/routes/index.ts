/** Which route a request takes (hosts, paths, headers, queries, methods; best match first), and what its filters do to it. */

export { bothEdits, FieldsEdit, fieldsEdit } from './fields-edit.ts';
export { applyFilters, type FilterDeps, type Filtered } from './filters.ts';
export { HeadView, hostOf } from './head-view.ts';
export { findRoute, matchesEverything, type RequestView, type Routed } from './match.ts';
