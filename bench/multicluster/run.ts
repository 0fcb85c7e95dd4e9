/** The measurements. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type AnyObject, SERVICES } from '#api/kube';
import { LINKS, type Link, MIRROR } from '#extensions/multicluster';
import { sharedMs } from '../destination/shape.ts';
import { NAMESPACE, serviceName } from '../simulated-cluster.ts';
import { Installation } from './installation.ts';
import { clusterName, mirrorsOf, type Scale } from './scale.ts';

/** All must be in step by then. */
const SYNC_MS_MAX = 600_000;
/** One change must have arrived by then. */
const CHANGE_MS_MAX = 60_000;
/** Before memory is looked at: time to let go of what the start took. */
const REST_MS = 3_000;
/** How long the flood goes on before anything is measured beside it. */
const FLOOD_LEAD_MS = 2_000;

/** What linking all clusters took, on top of controllers that have no Link yet. */
export interface Cost {
  readonly clusters: number;
  /** From the first Link until each says that all its services are mirrored. */
  readonly syncMs: number;
  /** From then until clients of all of them have all endpoints. */
  readonly openMs: number;
  readonly mirrorsCpuSeconds: number;
  readonly destinationCpuSeconds: number;
  /** Of all, and how much more than before. */
  readonly mirrorsPssMB: number;
  readonly mirrorsGrowthMB: number;
  readonly destinationPssMB: number;
  readonly destinationGrowthMB: number;
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

async function within<T>(scale: Scale, weft: string, work: (installed: Installation) => Promise<T>): Promise<T> {
  const installed = new Installation(scale, weft);
  const interrupted = (): void => {
    installed.stop();
    process.exit(130);
  };
  for (const signal of SIGNALS) process.once(signal, interrupted);
  try {
    await installed.start();
    return await work(installed);
  } finally {
    for (const signal of SIGNALS) process.off(signal, interrupted);
    installed.stop();
  }
}

/** Links all clusters at once. */
export function measureCost(scale: Scale, weft: string): Promise<Cost> {
  return within(scale, weft, async (installed) => {
    await sleep(REST_MS);
    const before = installed.usage();
    const syncMs = await linkAll(installed);
    const beginMs = sharedMs();
    await installed.clients.ask('open');
    const openMs = sharedMs() - beginMs;
    await sleep(REST_MS);
    const after = installed.usage();
    return {
      clusters: scale.clusters,
      syncMs,
      openMs,
      mirrorsCpuSeconds: after.mirrorsCpuSeconds - before.mirrorsCpuSeconds,
      destinationCpuSeconds: after.destinationCpuSeconds - before.destinationCpuSeconds,
      mirrorsPssMB: after.mirrorsPssMB,
      mirrorsGrowthMB: after.mirrorsPssMB - before.mirrorsPssMB,
      destinationPssMB: after.destinationPssMB,
      destinationGrowthMB: after.destinationPssMB - before.destinationPssMB,
    };
  });
}

/** Links, and waits until every Link says that all services are mirrored and the local Services are there. Milliseconds. */
async function linkAll(installed: Installation): Promise<number> {
  const { client, scale } = installed;
  const inStep = new Set<string>();
  const mirrors = new Set<string>();
  const done = Promise.withResolvers<void>();
  const look = (): void => {
    if (inStep.size === scale.clusters && mirrors.size === mirrorsOf(scale)) done.resolve();
  };
  const note = (link: Link): void => {
    const { mirrorServices = [], federatedServices = [] } = link.status ?? {};
    const said = [...mirrorServices, ...federatedServices].filter(({ conditions }) =>
      conditions.some(({ type, status }) => type === 'Mirrored' && status === 'True'),
    );
    if (said.length === scale.services) inStep.add(link.metadata.name ?? '');
    look();
  };
  const mirror = ({ metadata }: AnyObject): void => {
    mirrors.add(metadata.name ?? '');
    look();
  };
  const stops = [
    client.watch<Link>(LINKS, {}, { reset: (links) => links.forEach(note), applied: note, deleted: () => {} }),
    client.watch<AnyObject>(
      SERVICES,
      { labelSelector: MIRROR.mirroredService, metadataOnly: true },
      {
        reset: (services) => services.forEach(mirror),
        applied: mirror,
        deleted: ({ metadata }) => void mirrors.delete(metadata.name ?? ''),
      },
    ),
  ];
  try {
    const beginMs = sharedMs();
    await installed.link();
    await limited(
      done.promise,
      SYNC_MS_MAX,
      () => `${inStep.size} of ${scale.clusters} Links and ${mirrors.size} mirrors`,
    );
    return sharedMs() - beginMs;
  } finally {
    for (const stop of stops) stop();
  }
}

/** Rejects after so long, and says what was seen. */
async function limited<T>(work: Promise<T>, ms: number, seen: () => string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${ms / 1000} s in vain; seen: ${seen()}`)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** How long one change at a time took, milliseconds. */
export interface Latencies {
  /** From an endpoint's change in a remote cluster to its arrival at a client. */
  readonly endpointMs: number[];
  /** From a label's change on a remote Service to its mirror. */
  readonly labelMs: number[];
}

export interface Flood {
  readonly quiet: Latencies;
  /** While another cluster changes without end. */
  readonly beside: Latencies;
  /** Changes a second of the other cluster, as they were. */
  readonly rate: number;
  /** During the flood, shares of a core. */
  readonly mirrorsCpuShare: number;
  readonly destinationCpuShare: number;
}

/** Changes of the second cluster, without and with a flood from the first. */
export function measureFlood(
  scale: Scale,
  weft: string,
  { rate, samples }: { rate: number; samples: number },
): Promise<Flood> {
  return within(scale, weft, async (installed) => {
    await linkAll(installed);
    await installed.clients.ask('open');
    await sleep(REST_MS);
    const quiet = await latencies(installed, samples, 'quiet');
    await installed.remotes.ask(`flood 0:${rate}`);
    await sleep(FLOOD_LEAD_MS);
    const before = installed.usage();
    const beginMs = sharedMs();
    const beside = await latencies(installed, samples, 'beside');
    const ms = sharedMs() - beginMs;
    const after = installed.usage();
    const { changes } = await installed.remotes.ask<{ changes: number }>('calm');
    const share = (now: number, then: number) => ((now - then) * 1000) / ms;
    return {
      quiet,
      beside,
      rate: changes / ((ms + FLOOD_LEAD_MS) / 1000),
      mirrorsCpuShare: share(after.mirrorsCpuSeconds, before.mirrorsCpuSeconds),
      destinationCpuShare: share(after.destinationCpuSeconds, before.destinationCpuSeconds),
    };
  });
}

async function latencies(installed: Installation, samples: number, round: string): Promise<Latencies> {
  const endpointMs: number[] = [];
  const labelMs: number[] = [];
  for (let i = 0; i < samples; i++) {
    const service = i % installed.scale.services;
    endpointMs.push(await endpointChange(installed, service));
    labelMs.push(await labelChange(installed, service, `${round}-${i}`));
  }
  return { endpointMs, labelMs };
}

async function endpointChange({ remotes, clients }: Installation, service: number): Promise<number> {
  await clients.ask(`expect 1:${service}`);
  const { atMs } = await remotes.ask<{ atMs: number }>(`flip 1:${service}`);
  const { atMs: seenMs } = await limited(
    clients.ask<{ atMs: number }>('await'),
    CHANGE_MS_MAX,
    () => 'no change of endpoints',
  );
  return Math.max(0, seenMs - atMs);
}

/** A mirror has the labels of its original. */
async function labelChange({ remotes, client }: Installation, service: number, text: string): Promise<number> {
  const mirror = `${serviceName(service)}-${clusterName(1)}`;
  const seen = Promise.withResolvers<number>();
  const look = ({ metadata }: AnyObject): void => {
    if (metadata.labels?.['note'] === text) seen.resolve(sharedMs());
  };
  const listed = Promise.withResolvers<void>();
  const stop = client.watch<AnyObject>(
    SERVICES,
    { namespace: NAMESPACE, fieldSelector: `metadata.name=${mirror}`, metadataOnly: true },
    {
      reset: (services) => {
        services.forEach(look);
        listed.resolve();
      },
      applied: look,
      deleted: () => {},
    },
  );
  try {
    await limited(listed.promise, CHANGE_MS_MAX, () => 'no list of mirrors');
    const { atMs } = await remotes.ask<{ atMs: number }>(`label 1:${service}:${text}`);
    return Math.max(0, (await limited(seen.promise, CHANGE_MS_MAX, () => `no change of ${mirror}`)) - atMs);
  } finally {
    stop();
  }
}
