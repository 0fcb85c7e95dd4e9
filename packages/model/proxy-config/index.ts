/**
 * The proxy's environment variables as a table, and the configuration they make. Whoever sets them (injector, charts,
 * reference pages) reads the same rows.
 */
export {
  type ConfigResult,
  type ControlService,
  ENV_PREFIX,
  envName,
  isLoopback,
  type ProxyConfig,
  type ProxySettings,
  parseProxyConfig,
} from './parse.ts';
export { CONFIG_ROWS, type ConfigRow } from './rows.ts';
export { type DefaultPolicy, type HostPort, type Network, type Parsed, READERS } from './values.ts';
