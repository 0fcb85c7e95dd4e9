// `npm run demo [-- --once --json --no-install]`: sets up, then hands over to `weft demo`.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { bunPath, mayInstall, root, setUp } from './setup.mjs';

const args = process.argv.slice(2);
setUp({ mayInstall: mayInstall(args) });
const rest = args.filter((arg) => arg !== '--no-install');
const child = spawn(bunPath(), [join(root, 'packages', 'cli', 'main.ts'), 'demo', ...rest], { stdio: 'inherit' });
// The terminal sends Ctrl-C to the whole group; the child tears down and decides when to end.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
  process.on(signal, () => {
    if (signal !== 'SIGINT') child.kill(signal);
  });
child.on('exit', (code, signal) => process.exit(signal ? 1 : (code ?? 1)));
