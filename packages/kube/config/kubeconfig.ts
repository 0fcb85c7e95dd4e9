import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dirname, isAbsolute, join } from 'node:path';
import { parse } from 'yaml';
import type { ServerAccess, TlsMaterial } from '../client/session.ts';
import { type ExecConfig, ExecPlugin } from './exec-plugin.ts';
import { TokenFile } from './token-file.ts';

export interface KubeConfigCluster {
  server: string;
  'certificate-authority'?: string;
  'certificate-authority-data'?: string;
  'insecure-skip-tls-verify'?: boolean;
  'tls-server-name'?: string;
  'proxy-url'?: string;
}
export interface KubeConfigUser {
  'client-certificate'?: string;
  'client-certificate-data'?: string;
  'client-key'?: string;
  'client-key-data'?: string;
  token?: string;
  tokenFile?: string;
  username?: string;
  password?: string;
  exec?: ExecConfig;
  'auth-provider'?: unknown;
}
export interface KubeConfigContext {
  cluster: string;
  user: string;
  namespace?: string;
}

/** One kubeconfig, or several merged: the first file that names an entry wins. File paths in it are absolute. */
export interface KubeConfig {
  currentContext?: string;
  clusters: Map<string, KubeConfigCluster>;
  users: Map<string, KubeConfigUser>;
  contexts: Map<string, KubeConfigContext>;
}

/** A context with what it refers to. */
export interface ResolvedContext {
  name: string;
  namespace: string;
  cluster: KubeConfigCluster;
  user: KubeConfigUser;
}

/** Parses one kubeconfig's text; `folder` is what relative file names in it are relative to. Throws with what is wrong. */
export function parseKubeConfig(text: string, folder: string): KubeConfig {
  const document: unknown = parse(text) ?? {};
  if (typeof document !== 'object' || Array.isArray(document)) throw new Error('a kubeconfig must be a YAML mapping');
  const raw = document as Record<string, unknown>;
  const config: KubeConfig = {
    clusters: entries<KubeConfigCluster>(raw['clusters'], 'cluster'),
    users: entries<KubeConfigUser>(raw['users'], 'user'),
    contexts: entries<KubeConfigContext>(raw['contexts'], 'context'),
  };
  if (typeof raw['current-context'] === 'string' && raw['current-context'] !== '')
    config.currentContext = raw['current-context'];
  for (const cluster of config.clusters.values()) absolute(cluster, folder, ['certificate-authority']);
  for (const user of config.users.values()) absolute(user, folder, ['client-certificate', 'client-key', 'tokenFile']);
  return config;
}

/** Reads and merges the files in order. A missing file is an error only when it is the only one. */
export async function readKubeConfig(paths: readonly string[]): Promise<KubeConfig> {
  const merged: KubeConfig = { clusters: new Map(), users: new Map(), contexts: new Map() };
  for (const path of paths) {
    let text: string;
    try {
      text = await readFile(path, 'utf8');
    } catch (error) {
      if (paths.length > 1) continue; // kubectl ignores missing files of a list, too.
      throw new Error(`cannot read kubeconfig ${path}: ${(error as Error).message}`, { cause: error });
    }
    let config: KubeConfig;
    try {
      config = parseKubeConfig(text, dirname(path));
    } catch (error) {
      throw new Error(`kubeconfig ${path}: ${(error as Error).message}`, { cause: error });
    }
    if (config.currentContext !== undefined) merged.currentContext ??= config.currentContext;
    mergeInto(merged.clusters, config.clusters);
    mergeInto(merged.users, config.users);
    mergeInto(merged.contexts, config.contexts);
  }
  return merged;
}

/** The named context, or the current one, with its cluster and user; throws naming what is missing. */
export function resolveContext(config: KubeConfig, name?: string): ResolvedContext {
  const contextName = name ?? config.currentContext;
  if (contextName === undefined) throw new Error('the kubeconfig names no current context: set one or pass --context');
  const context = config.contexts.get(contextName);
  if (!context) throw new Error(`context "${contextName}" does not exist${known(config.contexts)}`);
  const cluster = config.clusters.get(context.cluster);
  if (!cluster?.server) throw new Error(`cluster "${context.cluster}" of context "${contextName}" does not exist`);
  const user = context.user ? config.users.get(context.user) : {};
  if (!user) throw new Error(`user "${context.user}" of context "${contextName}" does not exist`);
  return { name: contextName, namespace: context.namespace || 'default', cluster, user };
}

/** The current context's name, if any. */
export const currentContext = (config: KubeConfig): string | undefined => config.currentContext;

/** Credentials and address of a context. `headers` adds e.g. impersonation to every request. */
export function accessOf(context: ResolvedContext, headers: Record<string, string | string[]> = {}): ServerAccess {
  const { cluster, user } = context;
  if (cluster['proxy-url']) throw new Error(`context "${context.name}": proxy-url is not supported`);
  if (user['auth-provider'])
    throw new Error(`context "${context.name}": auth-provider was removed from Kubernetes; use an exec plug-in`);
  const plugin = user.exec && new ExecPlugin(user.exec);
  const tokenFile = user.tokenFile ? new TokenFile(user.tokenFile) : undefined;
  return {
    server: cluster.server,
    async tls() {
      const credential = await plugin?.credential(false);
      const material: Omit<TlsMaterial, 'version'> = {};
      const ca = await pem(cluster['certificate-authority-data'], cluster['certificate-authority']);
      const cert =
        credential?.clientCertificateData ?? (await pem(user['client-certificate-data'], user['client-certificate']));
      const key = credential?.clientKeyData ?? (await pem(user['client-key-data'], user['client-key']));
      if (ca !== undefined) material.ca = ca;
      if (cert !== undefined) material.cert = cert;
      if (key !== undefined) material.key = key;
      if (cluster['tls-server-name']) material.servername = cluster['tls-server-name'];
      if (cluster['insecure-skip-tls-verify']) material.rejectUnauthorized = false;
      return { ...material, version: createHash('sha256').update(JSON.stringify(material)).digest('hex') };
    },
    async headers(stale = false) {
      const token = (await plugin?.credential(stale))?.token ?? (await tokenFile?.read(stale)) ?? user.token;
      if (token) return { ...headers, authorization: `Bearer ${token}` };
      if (user.username === undefined) return headers;
      const basic = Buffer.from(`${user.username}:${user.password ?? ''}`).toString('base64');
      return { ...headers, authorization: `Basic ${basic}` };
    },
  };
}

async function pem(data: string | undefined, file: string | undefined): Promise<string | undefined> {
  if (data) return Buffer.from(data, 'base64').toString('utf8');
  if (!file) return undefined;
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new Error(`the kubeconfig refers to ${file}, which cannot be read: ${(error as Error).message}`);
  }
}

function entries<T extends object>(list: unknown, field: string): Map<string, T> {
  const found = new Map<string, T>();
  if (list === undefined || list === null) return found;
  if (!Array.isArray(list)) throw new Error(`"${field}s" must be a list`);
  for (const item of list as Record<string, unknown>[]) {
    const name = item?.['name'];
    if (typeof name !== 'string') throw new Error(`an entry of "${field}s" has no name`);
    if (!found.has(name)) found.set(name, { ...((item[field] as T | null | undefined) ?? ({} as T)) });
  }
  return found;
}

function absolute<T extends object>(entry: T, folder: string, fields: readonly (keyof T)[]): void {
  for (const field of fields) {
    const path = entry[field];
    if (typeof path === 'string' && path !== '' && !isAbsolute(path)) entry[field] = join(folder, path) as T[keyof T];
  }
}

function mergeInto<T>(into: Map<string, T>, from: Map<string, T>): void {
  for (const [name, entry] of from) if (!into.has(name)) into.set(name, entry);
}

const known = (contexts: Map<string, unknown>): string =>
  contexts.size === 0 ? '; the kubeconfig has no contexts' : `; there are: ${[...contexts.keys()].join(', ')}`;

/**
 * Access by a kubeconfig that came from elsewhere, such as a Secret: only what stands in the text itself is used. Files and
 * plug-ins of this machine are refused, or whoever can write the Secret could read and run them.
 */
export function inlineAccess(text: string): ServerAccess {
  const context = resolveContext(parseKubeConfig(text, '/'));
  const { cluster, user } = context;
  const outside = [
    cluster['certificate-authority'],
    user['client-certificate'],
    user['client-key'],
    user.tokenFile,
    user.exec?.command,
  ].find((value) => value !== undefined);
  if (outside !== undefined) throw new Error(`the kubeconfig must be self-contained, but refers to ${outside}`);
  return accessOf(context);
}
