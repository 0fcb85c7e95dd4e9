import type { Clock } from '#runtime/clock';
import type { Log } from '#runtime/log';
import type { ClusterClient } from '../contract/index.ts';
import { Caches, type Controller, type Running, runController } from '../reconcile/index.ts';
import { schedulerController } from '../scheduler/index.ts';
import { aggregationController } from './cluster-role/index.ts';
import { cronJobController } from './cronjob/index.ts';
import { daemonSetController } from './daemonset/index.ts';
import { deploymentController } from './deployment/index.ts';
import { disruptionController } from './disruption/index.ts';
import { endpointsController } from './endpoints/index.ts';
import { endpointSliceController, mirroringController } from './endpointslice/index.ts';
import { Everything } from './everything.ts';
import { garbageCollector } from './garbage/index.ts';
import { JOB_DEFAULTS, type JobConfig, jobController } from './job/index.ts';
import { namespaceController } from './namespace/index.ts';
import { NODE_DEFAULTS, type NodeConfig, nodeController } from './node/index.ts';
import { replicaSetController, replicationControllerController } from './replicaset/index.ts';
import { type ApiServerAddress, apiServiceController, loadBalancerController } from './service/index.ts';
import { defaultAccountController, rootCaController } from './service-account/index.ts';
import { statefulSetController } from './statefulset/index.ts';
import { claimController, volumeController } from './volumes/index.ts';

export interface ControllersDeps {
  client: ClusterClient;
  clock: Clock;
  log: Log;
}

export interface ControllersConfig {
  /** The API server's CA, PEM: goes into `kube-root-ca.crt` and token Secrets. */
  caPem: string;
  /** Addresses for Services of type LoadBalancer, e.g. `172.31.0.0/24`. Absent: they stay pending. */
  loadBalancerCidr?: string;
  /** Keeps Service `kubernetes`. Absent: somebody else does. */
  apiServer?: ApiServerAddress;
  nodes?: NodeConfig;
  jobs?: JobConfig;
  /** False where pods are placed by somebody else. */
  scheduler?: boolean;
}

export interface RunningControllers {
  /** Nothing waits or runs at this moment (delayed work does not count). */
  readonly idle: boolean;
  stop(): void;
}

/** Starts all controllers, and the scheduler, on shared caches. They run until stopped; failures are retried and logged. */
export function startControllers(deps: ControllersDeps, config: ControllersConfig): RunningControllers {
  const { client, clock, log } = deps;
  const caches = new Caches(client);
  const everything = new Everything(client, caches);
  const onFailure = (controller: string, key: string, error: unknown): void =>
    log.warn('will try again', { controller, key, error: error instanceof Error ? error.message : String(error) });
  const start = <Observed>(controller: Controller<Observed>): Running =>
    runController(controller, { client, caches, clock, onFailure });
  const { caPem, loadBalancerCidr, apiServer, nodes = NODE_DEFAULTS, jobs = JOB_DEFAULTS, scheduler = true } = config;
  const running: Running[] = [
    start(deploymentController),
    start(replicaSetController),
    start(replicationControllerController),
    start(statefulSetController),
    start(daemonSetController),
    start(jobController(jobs)),
    start(cronJobController),
    start(disruptionController),
    start(claimController),
    start(volumeController),
    start(endpointsController),
    start(endpointSliceController),
    start(mirroringController),
    start(defaultAccountController),
    start(rootCaController(caPem)),
    start(garbageCollector(everything)),
    start(namespaceController(everything)),
    start(nodeController(nodes)),
    start(aggregationController),
    ...(loadBalancerCidr ? [start(loadBalancerController(loadBalancerCidr))] : []),
    ...(apiServer ? [start(apiServiceController(apiServer))] : []),
    ...(scheduler ? [start(schedulerController)] : []),
  ];
  return {
    get idle() {
      return running.every((each) => each.idle);
    },
    stop() {
      for (const each of running) each.stop();
      everything.stop();
      caches.stop();
    },
  };
}
