import { spawn } from 'node:child_process';

/** `users[].user.exec` of a kubeconfig. */
export interface ExecConfig {
  apiVersion?: string;
  command: string;
  args?: string[];
  env?: { name: string; value: string }[];
  installHint?: string;
}

/** What a plug-in printed: ExecCredential `.status`. */
export interface ExecCredential {
  token?: string;
  clientCertificateData?: string;
  clientKeyData?: string;
  expirationTimestamp?: string;
}

/** A plug-in may ask a person to log in. */
const PLUGIN_TIMEOUT_MS = 120_000;
const OUTPUT_BYTES_MAX = 1024 * 1024;
/** A credential is renewed this long before it expires. */
const RENEW_EARLY_MS = 10_000;

/** Runs a client-go credential plug-in and keeps its answer until it expires or is refused. */
export class ExecPlugin {
  readonly #config: ExecConfig;
  #current: { credential: ExecCredential; expiresAtMs: number } | undefined;
  #running: Promise<ExecCredential> | undefined;

  constructor(config: ExecConfig) {
    this.#config = config;
  }

  async credential(stale: boolean): Promise<ExecCredential> {
    if (!stale && this.#current && Date.now() < this.#current.expiresAtMs - RENEW_EARLY_MS)
      return this.#current.credential;
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #run(): Promise<ExecCredential> {
    const { command, args = [], env = [], apiVersion = 'client.authentication.k8s.io/v1', installHint } = this.#config;
    const info = { apiVersion, kind: 'ExecCredential', spec: { interactive: process.stdin.isTTY === true } };
    const output = await run(command, args, {
      ...process.env,
      ...Object.fromEntries(env.map(({ name, value }) => [name, value])),
      KUBERNETES_EXEC_INFO: JSON.stringify(info),
    }).catch((error: Error) => {
      throw new Error(`credential plug-in ${command}: ${error.message}${installHint ? `\n${installHint}` : ''}`);
    });
    const credential = parseCredential(output, command);
    const expiry = credential.expirationTimestamp;
    this.#current = { credential, expiresAtMs: expiry ? Date.parse(expiry) : Number.POSITIVE_INFINITY };
    return credential;
  }
}

function parseCredential(output: string, command: string): ExecCredential {
  let parsed: { kind?: string; status?: ExecCredential };
  try {
    parsed = JSON.parse(output) as typeof parsed;
  } catch (error) {
    throw new Error(`credential plug-in ${command} printed no JSON`, { cause: error });
  }
  const status = parsed.status;
  if (!status || (status.token === undefined && status.clientCertificateData === undefined))
    throw new Error(`credential plug-in ${command} printed neither a token nor a certificate`);
  return status;
}

function run(command: string, args: string[], env: NodeJS.ProcessEnv): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env, stdio: ['inherit', 'pipe', 'inherit'], timeout: PLUGIN_TIMEOUT_MS });
    const chunks: Buffer[] = [];
    let bytes = 0;
    child.stdout.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > OUTPUT_BYTES_MAX) child.kill();
      else chunks.push(chunk);
    });
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (code === 0 && bytes <= OUTPUT_BYTES_MAX) resolve(Buffer.concat(chunks).toString('utf8'));
      else reject(new Error(`ended with ${signal ?? `exit code ${code}`}`));
    });
  });
}
