/** The cluster that others are linked to, `bun local.ts KUBECONFIG`: a lab's API server over memory; writes how to reach it into that file. */
import { writeFileSync } from 'node:fs';
import { createApiServer } from '#lab/apiserver';
import { memoryLog, Store } from '#lab/store';
import { answerCommands } from '../worker.ts';

const server = await createApiServer(
  {
    store: new Store(memoryLog()),
    nowMs: Date.now,
    random: Math.random,
    dial: () => Promise.reject(new Error('there are no pods')),
    podRuntime: () => undefined,
    log: (line) => process.stderr.write(`${line}\n`),
  },
  { advertiseAddress: '127.0.0.1', advertisePort: 6443, serviceCidr: '10.96.0.0/16' },
);
const port = await server.listen('127.0.0.1', 0);
writeFileSync(process.argv[2] ?? '', server.adminKubeconfig('local', `https://127.0.0.1:${port}`), { mode: 0o600 });
answerCommands({ port }, () => ({}), {});
