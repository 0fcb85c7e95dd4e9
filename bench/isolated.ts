/** Runs the inner half of a benchmark alone in its own pid, mount and network namespaces; all end when it ends, and it ends with us. */
import { spawn } from 'node:child_process';

const ISOLATED = [
  ...['setpriv', '--pdeathsig', 'KILL'],
  ...['unshare', '--pid', '--fork', '--kill-child=KILL', '--mount', '--net', '--mount-proc'],
];

/** Runs `bun FILE JSON`; its standard output is the result, as JSON. Rejects after `limitS` seconds and on signals to us. */
export function runIsolated<T>(file: string, plan: unknown, limitS: number): Promise<T> {
  const [program = '', ...args] = [...ISOLATED, process.execPath, file, JSON.stringify(plan)];
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let reason = 'see above';
  const timer = setTimeout(() => {
    reason = `not done after ${limitS} s`;
    child.kill('SIGKILL');
  }, limitS * 1000);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => {
      reason = `stopped by ${signal}`;
      child.kill('SIGKILL');
    });
  let out = '';
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString();
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      if (code === 0) resolve(JSON.parse(out) as T);
      else reject(new Error(`the benchmark ended with ${signal ?? code}: ${reason}`));
    });
  });
}
