import type { AnyObject, Status } from '#api/kube';
import { ApiError, type ExecIo, type PodRuntime } from '../contract/index.ts';

/** `exec` starts a program in a container, `attach` joins the one that runs. */
export type CommandKind = 'exec' | 'attach';

/** What the client asked for in the query of exec and attach. */
export interface CommandOptions {
  container: string;
  command: readonly string[];
  stdin: boolean;
  stdout: boolean;
  stderr: boolean;
  tty: boolean;
}

const isTrue = (value: string | null): boolean => value === 'true' || value === '1';

/** Reads the query; without a container the pod's default one is meant. @throws ApiError BadRequest */
export function commandOptions(kind: CommandKind, pod: AnyObject, query: URLSearchParams): CommandOptions {
  const tty = isTrue(query.get('tty'));
  const options = {
    container: query.get('container') || defaultContainer(pod),
    command: query.getAll('command'),
    stdin: isTrue(query.get('stdin')),
    stdout: isTrue(query.get('stdout')),
    // A terminal has one output. A kubelet lets whoever asks for both have that.
    stderr: isTrue(query.get('stderr')) && !tty,
    tty,
  };
  if (kind === 'exec' && options.command.length === 0)
    throw ApiError.of('BadRequest', 'you must specify a command for exec');
  if (!options.stdin && !options.stdout && !options.stderr)
    throw ApiError.of('BadRequest', 'you must specify at least one of stdin, stdout, stderr');
  return options;
}

function defaultContainer(pod: AnyObject): string {
  const { containers = [] } = (pod['spec'] ?? {}) as { containers?: { name: string }[] };
  const marked = pod.metadata.annotations?.['kubectl.kubernetes.io/default-container'];
  if (marked && containers.some(({ name }) => name === marked)) return marked;
  const [only] = containers;
  if (only && containers.length === 1) return only.name;
  const names = containers.map(({ name }) => name).join(' ');
  throw ApiError.of(
    'BadRequest',
    `a container name must be specified for pod ${pod.metadata.name}, choose one of: [${names}]`,
  );
}

/** Runs the command on the streams of one client; the outcome is the Status for its error stream. Never rejects. */
export async function runCommand(
  kind: CommandKind,
  pod: AnyObject,
  options: CommandOptions,
  io: ExecIo,
  runtime: PodRuntime,
): Promise<Status> {
  try {
    const { exitCode } = await runtime[kind](pod, options, io);
    return exitCode === 0 ? SUCCESS : exited(exitCode);
  } catch (error) {
    return failed(error);
  }
}

const SUCCESS = { metadata: {}, status: 'Success' } as Status;

function exited(exitCode: number): Status {
  return {
    metadata: {},
    status: 'Failure',
    message: `command terminated with non-zero exit code: exit status ${exitCode}`,
    reason: 'NonZeroExitCode',
    details: { causes: [{ reason: 'ExitCode', message: String(exitCode) }] },
  } as Status;
}

function failed(error: unknown): Status {
  const message = error instanceof Error ? error.message : String(error);
  const causes = [{ message }];
  return {
    metadata: {},
    status: 'Failure',
    message: `Internal error occurred: ${message}`,
    reason: 'InternalError',
    details: { causes },
    code: 500,
  } as Status;
}

/** Cuts the resize stream's JSON objects out of chunks: `{"Width":80,"Height":24}`, one after the other. */
export class ResizeReader {
  private text = '';

  push(chunk: Uint8Array): { columns: number; rows: number }[] {
    this.text += Buffer.from(chunk).toString('utf8');
    const sizes: { columns: number; rows: number }[] = [];
    for (let end = this.text.indexOf('}'); end >= 0; end = this.text.indexOf('}')) {
      const size = parseSize(this.text.slice(0, end + 1));
      if (size) sizes.push(size);
      this.text = this.text.slice(end + 1);
    }
    // Whatever is no JSON object cannot become one.
    if (this.text.length > 256) this.text = '';
    return sizes;
  }
}

function parseSize(text: string): { columns: number; rows: number } | undefined {
  try {
    const { Width: columns, Height: rows } = JSON.parse(text) as { Width?: unknown; Height?: unknown };
    return isSize(columns) && isSize(rows) ? { columns, rows } : undefined;
  } catch {
    // A malformed size changes nothing; the next one may be good.
    return undefined;
  }
}

/** Clients without a real terminal send zeros. */
const isSize = (value: unknown): value is number =>
  Number.isInteger(value) && Number(value) > 0 && Number(value) < 65_536;
