/**
 * The laws of the repository as a program: who may import whom, what pure packages must not touch, and that folders are
 * entered by their index. Prints one line a breach and exits 1; `npm run check` calls it.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

const root = join(import.meta.dirname, '..');

type Law = { packages: readonly string[]; npm: readonly string[]; pure?: boolean };

const MESH_RUNTIME = ['@bufbuild/protobuf'];
/** Package -> what it may import. `a/b` allows only that folder; `types:x` allows only type imports. */
const LAWS: Record<string, Law> = {
  wire: { packages: [], npm: [], pure: true },
  api: { packages: [], npm: MESH_RUNTIME },
  model: { packages: ['types:api'], npm: [], pure: true },
  runtime: { packages: ['wire'], npm: [...MESH_RUNTIME, '@connectrpc/*', 'picocolors'] },
  kube: { packages: ['wire', 'api', 'model', 'runtime'], npm: ['yaml', '@bufbuild/protobuf'] },
  proxy: { packages: ['wire', 'api', 'model', 'runtime'], npm: ['@peculiar/x509', 'dns-packet', ...MESH_RUNTIME] },
  'proxy/capture': { packages: ['wire', 'api', 'model', 'runtime', 'net'], npm: [] },
  net: { packages: ['wire', 'runtime'], npm: [] },
  control: {
    packages: ['wire', 'api', 'model', 'runtime', 'kube'],
    npm: ['@peculiar/x509', ...MESH_RUNTIME, '@connectrpc/*'],
  },
  extensions: { packages: ['wire', 'api', 'model', 'runtime', 'kube', 'control'], npm: [...MESH_RUNTIME, 'yaml'] },
  lab: {
    packages: ['wire', 'api/kube', 'runtime', 'net'],
    npm: [
      '@peculiar/x509',
      'yaml',
      'dns-packet',
      're2js',
      '@bufbuild/*',
      '@marcbachmann/cel-js',
      'ws',
      'jose',
      'fast-json-patch',
    ],
  },
  web: { packages: ['types:model', 'types:extensions'], npm: ['*'] },
  cli: { packages: ['*'], npm: ['*'] },
};

/** Calls that pure packages must not make, with what to use instead. */
const IMPURE: readonly (readonly [RegExp, string])[] = [
  [/\bDate\.now\(|\bnew Date\(\)/, 'take nowMs as an argument'],
  [/\bMath\.random\(/, 'take a Random as an argument'],
  [/\bprocess\./, 'take the value as an argument'],
  [/\bset(Timeout|Interval|Immediate)\(/, 'return the next deadline to the caller'],
  [/from '(node|bun):/, 'pure packages import nothing of the platform'],
];

const breaches: string[] = [];
const IMPORT = /^\s*(?:import|export)\s+(type\s+)?(?:[^'";]*?\sfrom\s+)?'([^']+)'|import\('([^']+)'\)/gm;

function* sources(folder: string): Generator<string> {
  for (const name of readdirSync(folder)) {
    if (name === 'node_modules' || name.startsWith('.')) continue;
    const path = join(folder, name);
    if (statSync(path).isDirectory()) yield* sources(path);
    else if (path.endsWith('.ts')) yield path;
  }
}

function lawOf(file: string): [string, Law] | undefined {
  const parts = relative(join(root, 'packages'), file).split('/');
  const folder = `${parts[0]}/${parts[1]}`;
  if (LAWS[folder]) return [folder, LAWS[folder]];
  const law = LAWS[parts[0] ?? ''];
  return law && [parts[0] ?? '', law];
}

const matches = (rule: string, name: string) =>
  rule === '*' || rule === name || (rule.endsWith('/*') && name.startsWith(rule.slice(0, -1)));

function checkImport(file: string, name: string, law: Law, spec: string, typeOnly: boolean): void {
  const isTest = /\.(test|fake)\.ts$/.test(file);
  const complain = (text: string): void => void breaches.push(`${relative(root, file)}: imports ${spec}: ${text}`);
  if (spec.startsWith('.')) {
    const target = join(dirname(file), spec);
    if (!existsSync(target)) return complain('no such file');
    const own = relative(join(root, 'packages'), file).split('/')[0];
    if (relative(join(root, 'packages'), target).split('/')[0] !== own)
      complain(`use '#package/folder' across packages`);
    return;
  }
  if (spec.startsWith('#')) {
    const target = spec.slice(1);
    if (!existsSync(join(root, 'packages', target, 'index.ts'))) return complain('that folder has no index.ts');
    const [pkg, folder] = target.split('/');
    if (pkg === name.split('/')[0]) return;
    const allowed = law.packages.some((rule) => {
      if (rule.startsWith('types:')) return typeOnly && rule.slice(6) === pkg;
      return rule === '*' || rule === pkg || rule === `${pkg}/${folder}`;
    });
    if (!allowed) complain(`${name} may import only: ${law.packages.join(', ') || 'nothing'}`);
    return;
  }
  if (/^(node|bun):/.test(spec)) {
    if (spec.startsWith('bun:') && !/^(runtime|net)(\/|$)/.test(name) && spec !== 'bun:test')
      complain('Bun-only modules belong in runtime');
    return;
  }
  const npmName = spec.startsWith('@') ? spec.split('/').slice(0, 2).join('/') : (spec.split('/')[0] ?? spec);
  if (isTest && npmName === 'fast-check') return;
  if (!law.npm.some((rule) => matches(rule, npmName)))
    complain(`npm packages allowed here: ${law.npm.join(', ') || 'none'}`);
}

for (const file of sources(join(root, 'packages'))) {
  const found = lawOf(file);
  if (!found) {
    breaches.push(`${relative(root, file)}: package is not in the table of tools/tidy.ts`);
    continue;
  }
  if (file.includes('/gen/') || file.endsWith('.gen.ts')) continue;
  const [name, law] = found;
  const text = readFileSync(file, 'utf8');
  for (const match of text.matchAll(IMPORT))
    checkImport(file, name, law, match[2] ?? match[3] ?? '', Boolean(match[1]));
  if (law.pure && !/\.(test|fake|bench)\.ts$/.test(file))
    for (const [pattern, instead] of IMPURE)
      if (pattern.test(text)) breaches.push(`${relative(root, file)}: ${pattern.source} in a pure package: ${instead}`);
}

for (const folder of ['demos'])
  for (const file of sources(join(root, folder)))
    if (/from '#/.test(readFileSync(file, 'utf8')))
      breaches.push(`${relative(root, file)}: demos import nothing of ours`);

for (const breach of breaches) console.error(breach);
console.log(`tidy: ${breaches.length === 0 ? 'clean' : `${breaches.length} breaches`}`);
process.exit(breaches.length === 0 ? 0 : 1);
