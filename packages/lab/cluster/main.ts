import { mkdirSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { dialIn } from '#net/netns';
import { canForgetFlows, forgetFlows } from '#net/nftables';
import { systemClock } from '#runtime/clock';
import { createLog, parseFilter } from '#runtime/log';
import { createApiServer } from '../apiserver/index.ts';
import type { PodRuntime } from '../contract/index.ts';
import { startControllers } from '../controllers/index.ts';
import { ClusterView, DnsServer } from '../dns/index.ts';
import { KubeletRuntime, nodeNetPath } from '../kubelet/index.ts';
import { Caches } from '../reconcile/index.ts';
import { BalancerRoutes, ServiceProxy } from '../service-proxy/index.ts';
import { Store, sqliteLog } from '../store/index.ts';
import { type ClusterConfig, type ClusterMessage, readClusterConfig } from './config.ts';
import { publishDns } from './dns-service.ts';
import { startKubelets } from './nodes.ts';
import { defaultAccountExists } from './readiness.ts';

const DIAL_TIMEOUT_MS = 10_000;

/** `lab cluster --config FILE`: one whole cluster in this process, inside the namespaces of a lab. Runs until it is ended. */
export async function runCluster(configPath: string): Promise<never> {
  const config = readClusterConfig(configPath);
  const tell = (message: ClusterMessage): void => void writeSync(1, `${JSON.stringify(message)}\n`);
  try {
    await startCluster(config, (stage) => tell({ stage }));
    tell({ ready: true });
  } catch (error) {
    tell({ failed: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    process.exit(1);
  }
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => process.exit(0));
  return new Promise<never>(() => setInterval(() => {}, 2 ** 30));
}

async function startCluster(config: ClusterConfig, stage: (name: string) => void): Promise<void> {
  const log = clusterLog();
  const clock = systemClock;
  mkdirSync(config.folder, { recursive: true });

  stage('API server');
  let runtime: PodRuntime | undefined;
  const server = await createApiServer(
    {
      store: new Store(sqliteLog(join(config.folder, 'state.sqlite'))),
      nowMs: () => Date.now(),
      random: Math.random,
      dial: (address, port) => dialIn(undefined, { address, port, timeoutMs: DIAL_TIMEOUT_MS }),
      podRuntime: () => runtime,
      log: (line) => log.info(line),
    },
    { advertiseAddress: config.apiAddress, advertisePort: config.apiPort, serviceCidr: config.serviceCidr },
  );
  await server.listen(config.apiAddress, config.apiPort);
  for (const { path, server: url } of config.kubeconfigs)
    writeFileSync(path, server.adminKubeconfig(config.name, url), { mode: 0o600 });
  const { client } = server;

  stage('controllers');
  startControllers(
    { client, clock, log },
    {
      caPem: server.keys.ca.certificate,
      loadBalancerCidr: config.loadBalancerCidr,
      apiServer: { ip: config.apiAddress, port: config.apiPort, serviceIp: firstAddress(config.serviceCidr) },
    },
  );
  await publishDns(client, { serviceIp: config.dnsIp, serverIp: config.apiAddress });

  stage('nodes');
  const caches = new Caches(client);
  const kubelets = await startKubelets(config, { server, caches, log: (line) => log.info(line) });
  runtime = new KubeletRuntime(kubelets);

  stage('network');
  const nodes = config.nodes.map((node) => ({ ...node, netPath: nodeNetPath(node) }));
  const proxy = new ServiceProxy(
    { caches, clock, log: (line) => log.warn(line), ...(canForgetFlows() && { forgetFlows }) },
    {
      serviceCidr: config.serviceCidr,
      nodes,
      routes: new BalancerRoutes({
        netPath: config.rootNet,
        cidr: config.loadBalancerCidr,
        rootAddress: config.rootAddress,
      }),
    },
  );
  await proxy.start();
  const { clusterDomain, apiAddress: address } = config;
  const dns = new DnsServer(new ClusterView(caches, clusterDomain), {
    address,
    port: 53,
    clusterDomain,
    log: (line) => log.warn(line),
  });
  await dns.start();
  await defaultAccountExists(client);
}

function clusterLog() {
  const parsed = parseFilter(process.env['WEFT_LAB_LOG'] ?? 'info');
  if ('error' in parsed) throw new Error(`WEFT_LAB_LOG: ${parsed.error}`);
  const write = (line: string): void => void process.stderr.write(line);
  const clock = { uptimeSeconds: () => process.uptime(), wallMs: () => Date.now() };
  return createLog({ format: 'plain', filter: parsed.value, write, ...clock }, 'lab');
}

/** `10.96.0.0/16` -> `10.96.0.1`. */
const firstAddress = (cidr: string): string => cidr.replace(/\.0\/.*$/, '.1');
