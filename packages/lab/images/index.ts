/**
 * Images of the lab: names registered for local programs. A table of records, partly built in (host programs), partly given
 * by whoever starts the lab; nothing is ever downloaded.
 */
export * from './builtin.ts';
export * from './image-table.ts';
