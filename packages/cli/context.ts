import type { Command } from 'commander';
import type { KubeClient, ServerAccess } from '#kube/client';

/** Flags that every verb understands, before or after it. */
export interface GlobalFlags {
  linkerdNamespace: string;
  cniNamespace: string;
  kubeconfig?: string;
  context?: string;
  as?: string;
  asGroup: string[];
  /** `host:port` of a controller, instead of a port-forward. */
  apiAddr?: string;
  verbose: boolean;
}

/** The process around a command; tests put their own in place. */
export interface Io {
  out(text: string): void;
  err(text: string): void;
  stdin(): Promise<string>;
  env: NodeJS.ProcessEnv;
  /** Whether errors and progress go to a person's terminal. */
  isTty: boolean;
  colors: boolean;
}

/** An API server that the flags name. */
export interface Connection {
  client: KubeClient;
  access: ServerAccess;
  /** Namespace of the kubeconfig's context. */
  namespace: string;
  contextName: string;
}

/** What a command gets. Commands set `exitCode` and return; nothing calls `process.exit`. */
export interface CliContext {
  flags: GlobalFlags;
  io: Io;
  /** One connection per invocation; closed by the caller of the command. */
  connect(): Promise<Connection>;
  exitCode: number;
}

/** Adds a verb, with its options and action, to the program. `context.flags` is filled before the action runs. */
export type CommandRegistrar = (program: Command, context: CliContext) => void;

/** An error meant for the user: its message is printed without a stack and the exit code is 1. */
export class UserError extends Error {}
