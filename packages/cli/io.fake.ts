import type { KubeClient, ServerAccess } from '#kube/client';
import type { CliContext, GlobalFlags, Io } from './context.ts';

/** An {@link Io} whose output tests can read. */
export class FakeIo implements Io {
  stdout = '';
  stderr = '';
  readonly env: NodeJS.ProcessEnv;
  readonly isTty = false;
  readonly colors = false;
  readonly #stdin: string;

  constructor(options: { stdin?: string; env?: NodeJS.ProcessEnv } = {}) {
    this.#stdin = options.stdin ?? '';
    this.env = options.env ?? {};
  }

  out(text: string): void {
    this.stdout += text;
  }
  err(text: string): void {
    this.stderr += text;
  }
  stdin(): Promise<string> {
    return Promise.resolve(this.#stdin);
  }
}

/** A context around a client, as commands get it. */
export function fakeContext(
  client: KubeClient,
  io: FakeIo,
  more: { access?: Partial<ServerAccess>; flags?: Partial<GlobalFlags> } = {},
): CliContext {
  const access: ServerAccess = {
    server: 'https://10.0.0.1:6443',
    tls: () => Promise.resolve({ version: '1', ca: 'CA' }),
    headers: () => Promise.resolve({}),
    ...more.access,
  };
  return {
    flags: { linkerdNamespace: 'linkerd', cniNamespace: 'linkerd-cni', asGroup: [], verbose: false, ...more.flags },
    io,
    exitCode: 0,
    connect: () => Promise.resolve({ client, access, namespace: 'default', contextName: 'west' }),
  };
}
