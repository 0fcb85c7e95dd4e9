import { setTimeout as sleep } from 'node:timers/promises';
import type { LifecycleHandler } from '#api/kube';
import { runCommand } from './exec.ts';
import { type ProbeTarget, runProbe } from './probe.ts';

/** Runs a postStart or preStop handler. Gives undefined when it went well, else what its event says. */
export async function runHook(
  handler: LifecycleHandler,
  target: ProbeTarget,
  options: { timeoutMs: number; signal: AbortSignal },
): Promise<string | undefined> {
  if (handler.exec) {
    const running = target.running();
    if (!running) return 'container not running';
    const result = await runCommand(running, handler.exec.command ?? [], options);
    if (result.exitCode === 0) return undefined;
    return `command '${(handler.exec.command ?? []).join(' ')}' exited with ${result.exitCode}: ${result.output}`;
  }
  if (handler.sleep) {
    const ms = Math.min(Number(handler.sleep.seconds) * 1000, options.timeoutMs);
    await sleep(ms, undefined, { signal: options.signal }).catch(() => {}); // aborted: the pod's time is over
    return undefined;
  }
  const { httpGet, tcpSocket } = handler;
  if (!httpGet && !tcpSocket) return 'invalid handler';
  const timeoutSeconds = Math.max(1, options.timeoutMs / 1000);
  const result = await runProbe(
    { timeoutSeconds, ...(httpGet ? { httpGet } : { tcpSocket: tcpSocket ?? { port: 0 } }) },
    target,
  );
  return result.ok ? undefined : result.output;
}
