/** A line for each inbound request, in the format that `ACCESS_LOG` sets. */
export { AccessLog } from './observer.ts';
