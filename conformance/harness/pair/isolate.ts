/** A program as the first process of its own pid, mount and network namespaces: all it starts ends with it, and it with us. */
import { spawn } from 'node:child_process';

const ISOLATED = [
  ...['setpriv', '--pdeathsig', 'KILL'],
  ...['unshare', '--pid', '--fork', '--kill-child=KILL', '--mount', '--net', '--mount-proc'],
];

/** Runs `bun SCRIPT JSON-of-plan` and reads its standard output as JSON; its standard error is ours. Rejects when it fails. */
export function runIsolated<R>(script: string, plan: unknown, limitMs: number): Promise<R> {
  const [program = '', ...args] = [...ISOLATED, process.execPath, script, JSON.stringify(plan)];
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let reason = 'see above';
  const end = (why: string) => {
    reason = why;
    child.kill('SIGKILL');
  };
  const timer = setTimeout(() => end(`not done after ${limitMs / 1000} s`), limitMs);
  const onSignal = (signal: NodeJS.Signals) => end(`stopped by ${signal}`);
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.once(signal, onSignal);
  let out = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      for (const each of signals) process.off(each, onSignal);
      if (code === 0) resolve(JSON.parse(out) as R);
      else reject(new Error(`${script} ended with ${signal ?? code}: ${reason}`));
    });
  });
}
