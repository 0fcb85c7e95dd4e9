// `npm run conformance -- http|gateway-api|mcs [--report] [--no-install] [flags of the suite]`: sets up, adds what the suite compares with, and runs
// conformance/NAME/main.ts. With `--tools` it only makes the tools ready and prints where they are, as JSON. Plain Node.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { installGatewayApiTools } from './gateway-api-tools.mjs';
import { installHttpTools } from './http-tools.mjs';
import { bunPath, mayInstall, root, setUp } from './setup.mjs';

/** Suite -> how to get what it needs beside the set-up. */
const SUITES = { 'gateway-api': installGatewayApiTools, http: installHttpTools, mcs: () => ({}) };

function fail(text, status = 1) {
  process.stderr.write(`conformance: ${text}\n`);
  process.exit(status);
}

const [name, ...args] = process.argv.slice(2);
const install = Object.hasOwn(SUITES, name ?? '') ? SUITES[name] : undefined;
if (!install) fail(`say which: npm run conformance -- ${Object.keys(SUITES).join('|')} [--report]`, 2);
const may = mayInstall(args);
setUp({ mayInstall: may });
let tools;
try {
  tools = install({ mayInstall: may });
} catch (error) {
  fail(error instanceof Error ? error.message : String(error));
}
if (args.includes('--tools')) {
  process.stdout.write(`${JSON.stringify(tools)}\n`);
  process.exit(0);
}
const rest = args.filter((arg) => arg !== '--no-install');
const child = spawn(bunPath(), [join(root, 'conformance', name, 'main.ts'), JSON.stringify(tools), ...rest], {
  stdio: 'inherit',
});
// The terminal sends Ctrl-C to the whole group; the child ends what it started and decides when to end.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
  process.on(signal, () => {
    if (signal !== 'SIGINT') child.kill(signal);
  });
child.on('exit', (code, signal) => process.exit(signal ? 1 : (code ?? 1)));
