/** Mounts as data: a list becomes an fstab that one `mount -a` works off in order. */
export * from './fstab.ts';
export * from './mount-table.ts';
