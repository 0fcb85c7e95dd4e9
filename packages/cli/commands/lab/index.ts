/** `weft lab …`: an embedded Kubernetes on this machine. Composes the lab with the images that this executable can run. */
import { spawn } from 'node:child_process';
import { createReadStream, existsSync, readFileSync, watch, writeSync } from 'node:fs';
import type { Command } from 'commander';
import { type DelayLineConfig, runDelayLine } from '#lab/faults';
import {
  DEFAULT_ROOT,
  labDown,
  labEnvironment,
  labFolders,
  labNames,
  labShellArgv,
  labStatus,
  quote,
  runHost,
} from '#lab/supervisor';
import { type CliContext, UserError } from '../../context.ts';
import { selfArgv, selfPath } from '../../executable/index.ts';
import { addKill } from './kill.ts';
import { type LabFlags, said } from './lab-flags.ts';
import { addNet } from './net.ts';
import { statusTable } from './render.ts';
import { addUp } from './up.ts';

/** Adds `lab` and its words to the program. */
export function registerLab(program: Command, context: CliContext): void {
  const lab = program
    .command('lab')
    .description('An embedded Kubernetes on this machine: several clusters, real pods, no downloads');
  // Words behind a command of 'lab shell' are that command's.
  lab.enablePositionalOptions();
  const { env } = context.io;
  const word = (name: string): Command =>
    lab
      .command(name)
      .option('--name <name>', 'Name of the lab (env WEFT_LAB)', env['WEFT_LAB'] ?? 'default')
      .option('--root <folder>', 'Folder of all labs (env WEFT_LAB_ROOT)', env['WEFT_LAB_ROOT'] ?? DEFAULT_ROOT);
  addUp(word('up'), context);
  addDown(word('down'), context);
  addStatus(word('status'), context);
  addEnv(word('env'), context);
  addShell(word('shell'), context);
  addLogs(word('logs'), context);
  addNet(word('net'), context);
  addKill(word('kill'), context);
  addProcesses(lab);
}

function addDown(command: Command, { io }: CliContext): void {
  command
    .description('End a lab and remove everything it made')
    .option('--keep', 'Keep the state of its clusters for the next "lab up"', false)
    .action(async (flags: LabFlags & { keep: boolean }) => {
      const existed = await said(() => labDown(flags));
      io.out(existed ? `lab "${flags.name}" is down\n` : `there is no lab "${flags.name}"\n`);
    });
}

function addStatus(command: Command, context: CliContext): void {
  command
    .description('Show what a lab is made of and how it is doing')
    .option('-o, --output <format>', 'table or json', 'table')
    .action(async (flags: LabFlags & { output: string }) => {
      const report = await said(() => labStatus(flags));
      if (!report) {
        const others = labNames(flags.root);
        const hint = others.length > 0 ? `; there are: ${others.join(', ')}` : '; "weft lab up" starts one';
        throw new UserError(`there is no lab "${flags.name}"${hint}`);
      }
      context.io.out(
        flags.output === 'json' ? `${JSON.stringify(report, undefined, 2)}\n` : statusTable(report, Date.now()),
      );
      if (!report.running) context.exitCode = 1;
    });
}

function addEnv(command: Command, { io }: CliContext): void {
  command
    .description('Print shell commands that point kubectl and PATH at a lab: eval "$(weft lab env)"')
    .action(async (flags: LabFlags) => {
      const path = io.env['PATH'] ?? '';
      const variables = await said(() => labEnvironment({ ...flags, path }));
      for (const [name, value] of Object.entries(variables)) io.out(`export ${name}=${quote(value)}\n`);
    });
}

function addShell(command: Command, context: CliContext): void {
  command
    .description("A shell inside the lab's network, or one command there: weft lab shell -- curl http://10.42.0.7:8080")
    .argument('[command...]', 'Command and its arguments (default: your shell)')
    .passThroughOptions()
    .action(async (words: string[], flags: LabFlags) => {
      const { env } = context.io;
      const wanted = words.length > 0 ? words : [env['SHELL'] ?? '/bin/sh'];
      const inside = await said(() => labShellArgv({ ...flags, path: env['PATH'] ?? '' }, wanted));
      const [program = '', ...args] = inside.argv;
      const child = spawn(program, args, { stdio: 'inherit', env: { ...env, ...inside.env } });
      // The terminal's signals reach the command itself; this process waits for what it makes of them.
      const ignore = (): void => {};
      for (const signal of ['SIGINT', 'SIGQUIT'] as const) process.on(signal, ignore);
      context.exitCode = await new Promise<number>((done, fail) => {
        child.on('error', fail);
        child.on('close', (code, signal) => done(code ?? (signal ? 130 : 1)));
      });
      for (const signal of ['SIGINT', 'SIGQUIT'] as const) process.off(signal, ignore);
    });
}

function addLogs(command: Command, { io }: CliContext): void {
  command
    .description("Show the log of one cluster's process, or of the lab's own")
    .argument('[cluster]', 'Cluster; default: the process around the clusters')
    .option('-f, --follow', 'Go on as the log grows', false)
    .action(async (cluster: string | undefined, flags: LabFlags & { follow: boolean }) => {
      const folders = labFolders(flags.name, flags.root);
      const path = cluster === undefined ? folders.hostLog : folders.clusterLog(cluster);
      if (!existsSync(path)) throw new UserError(`lab "${flags.name}" has no log ${path}`);
      const text = readFileSync(path);
      io.out(text.toString('utf8'));
      if (flags.follow) await follow(path, text.length, (chunk) => io.out(chunk));
    });
}

/** Prints what is added to a file until the process is interrupted. */
async function follow(path: string, fromByte: number, out: (text: string) => void): Promise<never> {
  let at = fromByte;
  let reading = false;
  const more = async (): Promise<void> => {
    if (reading) return;
    reading = true;
    for await (const chunk of createReadStream(path, { start: at })) {
      at += (chunk as Buffer).length;
      out((chunk as Buffer).toString('utf8'));
    }
    reading = false;
  };
  watch(path, () => void more());
  return new Promise<never>(() => {});
}

/** The lab's own processes: not for people. */
function addProcesses(lab: Command): void {
  lab
    .command('host', { hidden: true })
    .requiredOption('--name <name>')
    .requiredOption('--root <folder>')
    .action(async (flags: LabFlags) => {
      const ender = new AbortController();
      for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => ender.abort());
      let isReady = false;
      // Until the lab is up, the end of our input means that "lab up" is gone.
      process.stdin.on('end', () => !isReady && ender.abort());
      process.stdin.on('error', () => !isReady && ender.abort());
      process.stdin.resume();
      process.stdout.on('error', () => ender.abort());
      const tell = (message: object): void => {
        // Nobody listens once "lab up" has ended, and a write to a closed pipe would end this process.
        if (!isReady) process.stdout.write(`${JSON.stringify(message)}\n`);
        isReady ||= 'ready' in message && !('cluster' in message);
      };
      try {
        const clusterArgv = [...selfArgv(), 'lab', 'cluster'];
        await runHost({ ...flags, clusterArgv, programPath: selfPath(), tell, ending: ender.signal });
        process.exit(0);
      } catch (error) {
        const failed = error instanceof Error ? error.message : String(error);
        process.stderr.write(`${error instanceof Error ? error.stack : failed}\n`);
        process.stdout.write(`${JSON.stringify({ failed })}\n`, () => process.exit(1));
      }
    });
  lab
    .command('cluster', { hidden: true })
    .requiredOption('--config <file>')
    .action(async ({ config }: { config: string }) => {
      // Only this process needs the code of a whole cluster.
      const { runCluster } = await import('#lab/cluster');
      await runCluster(config);
    });
  lab
    .command('delay-line', { hidden: true })
    .requiredOption('--config <json>')
    .action(({ config }: { config: string }) => {
      runDelayLine(JSON.parse(config) as DelayLineConfig, () => void writeSync(1, 'ready\n'));
    });
}
