/** Running the host's plumbing programs (ip, nft, mount…) with errors that say which program or package is missing. */
export * from './host-program.ts';
export * from './processes.ts';
export * from './requirements.ts';
