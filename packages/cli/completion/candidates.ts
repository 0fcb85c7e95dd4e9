import type { Command, Option } from 'commander';
import type { NamesOf } from './cluster.ts';

export interface CompletionDeps {
  /** The program, with the commands below the verb that the words name in place. */
  build(words: readonly string[]): Promise<Command>;
  names: NamesOf;
}

/** What may follow, and whether files may, too. */
export interface Candidates {
  words: string[];
  files: boolean;
}

type Complete = (
  names: NamesOf,
  before: readonly string[],
  part: string,
  namespace: string | undefined,
) => Promise<string[]>;

/** A kind, then names of that kind; or TYPE/NAME in one word. */
const resources: Complete = async (names, before, part, namespace) => {
  const [kind, name] = part.split('/');
  if (name !== undefined) return (await names(kind ?? '', namespace)).map((each) => `${kind}/${each}`);
  if (before.length === 0) return names('', namespace);
  if (before[0]?.includes('/')) return [];
  return (await names(before[0] ?? '', namespace)).filter((each) => !before.includes(each));
};
const pods: Complete = async (names, before, _part, namespace) =>
  (await names('pod', namespace)).filter((each) => !before.includes(each));
const typeAndName: Complete = async (names, before, part, namespace) => {
  if (before.length > 0) return [];
  if (part.includes('/')) return resources(names, before, part, namespace);
  return (await names('', namespace)).map((kind) => `${kind}/`);
};

/** Arguments of commands, by the words that lead to them. */
const ARGUMENTS: Readonly<Record<string, Complete>> = {
  authz: resources,
  identity: pods,
  'diagnostics proxy-metrics': typeAndName,
  'diagnostics policy': async (names, before, part, namespace) => {
    if (before.length > 0) return [];
    return part.includes('/') ? resources(names, before, part, namespace) : ['pod/', 'service/'];
  },
  completion: async (_names, before) => (before.length === 0 ? ['bash', 'zsh', 'fish'] : []),
};
/** Commands whose arguments are files. */
const FILES: ReadonlySet<string> = new Set(['inject', 'uninject']);
/** Flags whose values are names in the cluster: the kind. */
const FLAG_KINDS: Readonly<Record<string, string>> = {
  '--namespace': 'namespace',
  '--linkerd-namespace': 'namespace',
  '--cni-namespace': 'namespace',
};

/** What may stand in place of the last of `words`, which may be empty. */
export async function candidatesFor(words: readonly string[], deps: CompletionDeps): Promise<Candidates> {
  const before = words.slice(0, -1);
  const part = words.at(-1) ?? '';
  const place = walk(await deps.build(before), before);
  const only = (all: readonly string[], files = false): Candidates => ({
    words: all.filter((word) => word.startsWith(part)),
    files,
  });
  if (place.awaiting) return awaited(place.awaiting, place.namespace, deps.names, only);
  if (part.startsWith('-')) return only(flagsOf(place.command));
  const subcommands = place.command.commands.filter((each) => !hidden(each)).map((each) => each.name());
  if (subcommands.length > 0) return only([...new Set(subcommands)].sort());
  const path = place.path.join(' ');
  const complete = ARGUMENTS[path];
  if (!complete) return only([], FILES.has(path));
  return only(await complete(deps.names, place.args, part, place.namespace));
}

async function awaited(
  option: Option,
  namespace: string | undefined,
  names: NamesOf,
  only: (all: readonly string[], files?: boolean) => Candidates,
): Promise<Candidates> {
  if (option.argChoices) return only(option.argChoices);
  const kind = FLAG_KINDS[option.long ?? ''];
  if (kind !== undefined) return only(await names(kind, namespace));
  return only([], /file|path|folder/.test(option.flags));
}

interface Place {
  command: Command;
  path: string[];
  args: string[];
  /** The option whose value comes next. */
  awaiting?: Option;
  namespace?: string;
}

/** Follows the words through the program. */
function walk(program: Command, words: readonly string[]): Place {
  const place: Place = { command: program, path: [], args: [] };
  for (const word of words) {
    if (place.awaiting) {
      if (place.awaiting.long === '--namespace') place.namespace = word;
      delete place.awaiting;
    } else if (word.startsWith('-')) takeFlag(place, word);
    else {
      const next = place.command.commands.find((each) => each.name() === word || each.aliases().includes(word));
      if (next && place.args.length === 0) {
        place.command = next;
        place.path.push(next.name());
      } else place.args.push(word);
    }
  }
  return place;
}

function takeFlag(place: Place, word: string): void {
  const [flag = '', value] = word.split('=');
  const option = optionsOf(place.command).find(({ long, short }) => long === flag || short === flag);
  if (option?.long === '--namespace' && value !== undefined) place.namespace = value;
  if (option && (option.required || option.optional) && value === undefined) place.awaiting = option;
}

/** Its own and those of all above. */
function optionsOf(command: Command): Option[] {
  return [...command.options, ...(command.parent ? optionsOf(command.parent) : [])];
}

const flagsOf = (command: Command): string[] =>
  [
    ...optionsOf(command)
      .filter((option) => !option.hidden)
      .flatMap(({ long }) => (long ? [long] : [])),
    '--help',
  ].sort();

const hidden = (command: Command): boolean => (command as Command & { _hidden?: boolean })._hidden === true;
