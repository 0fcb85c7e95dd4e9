/** What proxies say of themselves: their metrics, read through a port-forward, and the trust anchors they go by. */
export { type AdminPort, adminPorts, proxyAdminPort, proxyMetrics, SCRAPE_TIMEOUT_MS, scrape } from './metrics.ts';
export { anchorsInUse, inTurn, type MetricsOf } from './trust.ts';
