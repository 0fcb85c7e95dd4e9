import { readdirSync, readFileSync } from 'node:fs';
import type { Clock } from '#runtime/clock';
import { TLS_PARAMETERS } from '#runtime/tls';
import { openFilesMax } from '../accept/index.ts';
import type { Metrics } from '../telemetry/index.ts';
import { watchLoop } from './loop.ts';

/** What identifies this build in proxy_build_info. */
export interface BuildInfo {
  readonly version: string;
  readonly gitSha: string;
  readonly date: string;
}

/** Fills the process_* metrics each time they are asked for. */
export function collectProcess(metrics: Metrics, clock: Clock, build: BuildInfo): void {
  const info = { date: build.date, git_sha: build.gitSha, profile: 'release', vendor: 'weft', version: build.version };
  metrics.gauge('proxy_build_info', info).set(1);
  const tls = {
    tls_suites: TLS_PARAMETERS.suites.join(','),
    tls_kx_groups: TLS_PARAMETERS.groups.join(','),
    tls_rand: 'BoringSSL',
    tls_key_provider: 'BoringSSL',
    tls_fips: 'false',
  };
  metrics.gauge('tls_info', tls).set(1);
  watchLoop(clock, metrics.histogram('runtime_loop_delay_seconds', {}));
  const startMs = clock.nowMs();
  metrics.gauge('process_start_time_seconds', {}).set(Math.floor(clock.wallMs() / 1000));
  const clockSeconds = metrics.gauge('process_clock_time_seconds', {});
  const uptime = metrics.counter('process_uptime_seconds_total', {});
  const cpu = metrics.counter('process_cpu_seconds_total', {});
  const resident = metrics.gauge('process_resident_memory_bytes', {});
  const virtual = metrics.gauge('process_virtual_memory_bytes', {});
  const threads = metrics.gauge('process_threads', {});
  const openFds = metrics.gauge('process_open_fds', {});
  const maxFds = metrics.gauge('process_max_fds', {});
  const received = metrics.counter('process_network_receive_bytes_total', {});
  const sent = metrics.counter('process_network_transmit_bytes_total', {});
  const heap = metrics.gauge('runtime_heap_bytes', {});
  metrics.onCollect(() => {
    const usage = process.cpuUsage();
    const status = proc('status');
    clockSeconds.set(clock.wallMs() / 1000);
    uptime.value = (clock.nowMs() - startMs) / 1000;
    cpu.value = (usage.user + usage.system) / 1e6;
    resident.set(kilobytes(status, 'VmRSS'));
    virtual.set(kilobytes(status, 'VmSize'));
    threads.set(Number(/^Threads:\s+(\d+)/m.exec(status)?.[1] ?? 0));
    openFds.set(countFds());
    maxFds.set(openFilesMax());
    const traffic = networkBytes(proc('net/dev'));
    received.value = traffic.received;
    sent.value = traffic.sent;
    heap.set(process.memoryUsage().heapUsed);
    for (const [family, count] of metrics.folded)
      metrics.counter('metrics_series_folded_total', { family }).value = count;
  });
}

/** A file of our process; '' where /proc is not there. */
function proc(name: string): string {
  try {
    return readFileSync(`/proc/self/${name}`, 'utf8');
  } catch {
    return ''; // the metric then reads 0, as in a container that hides /proc
  }
}

function kilobytes(status: string, field: string): number {
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0) * 1024;
}

function countFds(): number {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return 0; // as above
  }
}

/** Sums of all interfaces but loopback. */
function networkBytes(text: string): { received: number; sent: number } {
  const total = { received: 0, sent: 0 };
  for (const line of text.split('\n')) {
    const match = /^\s*([^:\s]+):\s*(.*)$/.exec(line);
    if (!match || match[1] === 'lo') continue;
    const numbers = (match[2] ?? '').split(/\s+/).map(Number);
    total.received += numbers[0] ?? 0;
    total.sent += numbers[8] ?? 0;
  }
  return total;
}
