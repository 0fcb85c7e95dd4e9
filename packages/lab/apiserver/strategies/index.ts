/** How single resources depart from the common write path, as rows keyed by their name in the store. */
export { ServiceAddresses, type ServiceRanges } from './service-addresses.ts';
export { recoverAddresses } from './services.ts';
export { builtinStrategies, type StrategyDeps } from './table.ts';
