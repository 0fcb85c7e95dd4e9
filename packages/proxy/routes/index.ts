/** Which route a request takes: hosts, paths, headers, queries and methods, best match first. Pure. */

export { applyFilters, type Filtered } from './filters.ts';
export { HeadView } from './head-view.ts';
export { findRoute, matchesEverything, type RequestView, type Routed } from './match.ts';
