import type { Command } from 'commander';
import type { Trouble } from '#lab/faults';
import { changeFaults, listFaults, type NetChange } from '#lab/supervisor';
import { type CliContext, UserError } from '../../context.ts';
import { readDuration } from '../duration.ts';
import { type LabFlags, said } from './lab-flags.ts';
import { faultsTable } from './render.ts';

interface Measures {
  ms?: string;
  jitter?: string;
  percent?: string;
  for?: string;
}

interface NetFlags extends LabFlags, Measures {
  output: string;
}

/** What a verb takes, and what it asks of the lab. */
interface Verb {
  needs: readonly (keyof Measures)[];
  takes: readonly (keyof Measures)[];
  trouble?(measures: Measures): Trouble;
}

const VERBS: Readonly<Record<string, Verb>> = {
  delay: {
    needs: ['ms'],
    takes: ['jitter', 'for'],
    trouble: ({ ms = '', jitter = '0' }) => ({
      kind: 'delay',
      ms: readNumber('--ms', ms),
      jitterMs: readNumber('--jitter', jitter),
    }),
  },
  loss: {
    needs: ['percent'],
    takes: ['for'],
    trouble: ({ percent = '' }) => ({ kind: 'loss', percent: readNumber('--percent', percent) }),
  },
  partition: { needs: [], takes: ['for'], trouble: () => ({ kind: 'partition' }) },
  heal: { needs: [], takes: [] },
};
const MEASURES: readonly (keyof Measures)[] = ['ms', 'jitter', 'percent', 'for'];

const HELP = `
Verbs:
  delay CLUSTER [CLUSTER] --ms N [--jitter N]   every packet takes so much longer, in each direction
  loss CLUSTER [CLUSTER] --percent N            so many packets are lost, at random
  partition CLUSTER [CLUSTER]                   nothing gets through: pods, gateways, API servers
  heal [CLUSTER [CLUSTER]]                      undo it; without a cluster: all of it
One cluster stands for it and every other one. Each cluster stays whole in itself, and this machine reaches all of them.
Without a verb: what is in force.`;

/** `lab net`. */
export function addNet(command: Command, { io }: CliContext): void {
  command
    .description('Make trouble between the clusters of a lab, undo it, or show what is in force')
    .argument('[verb]', `${Object.keys(VERBS).join(', ')}; default: show`)
    .argument('[clusters...]', 'One cluster (from all others) or two (from each other)')
    .option('--ms <number>', 'Delay in milliseconds, each way')
    .option('--jitter <number>', 'How far a delay varies to both sides, in milliseconds')
    .option('--percent <number>', 'Share of packets that are lost')
    .option('--for <duration>', 'Ends by itself after so long, e.g. 30s; default: lasts until healed')
    .option('-o, --output <format>', 'table or json', 'table')
    .addHelpText('after', HELP)
    .action(async (word: string | undefined, clusters: string[], flags: NetFlags) => {
      const faults = await (word === undefined
        ? said(() => listFaults(flags))
        : change(flags, readChange(word, clusters, flags)));
      io.out(flags.output === 'json' ? `${JSON.stringify(faults, undefined, 2)}\n` : faultsTable(faults, Date.now()));
    });
}

const change = (lab: LabFlags, wanted: NetChange) => said(() => changeFaults(lab, wanted));

/** What a command line asks for. @throws UserError */
export function readChange(word: string, clusters: readonly string[], flags: Measures): NetChange {
  const verb = VERBS[word];
  if (!verb) throw new UserError(`lab net knows ${Object.keys(VERBS).join(', ')}, not "${word}"`);
  for (const flag of MEASURES) {
    if (flags[flag] !== undefined && ![...verb.needs, ...verb.takes].includes(flag))
      throw new UserError(`lab net ${word} does not take --${flag}`);
    if (flags[flag] === undefined && verb.needs.includes(flag)) throw new UserError(`lab net ${word} needs --${flag}`);
  }
  if (clusters.length > 2) throw new UserError(`lab net ${word} takes two clusters at most, not ${clusters.length}`);
  if (!verb.trouble) return { heal: clusters };
  if (clusters.length === 0) throw new UserError(`lab net ${word} needs a cluster, or two`);
  const durationMs = flags.for === undefined ? undefined : readDuration('--for', flags.for);
  return { trouble: verb.trouble(flags), clusters, ...(durationMs !== undefined && { durationMs }) };
}

function readNumber(flag: string, text: string): number {
  if (!/^\d+(\.\d+)?$/.test(text)) throw new UserError(`${flag} takes a number, not "${text}"`);
  return Number(text);
}
