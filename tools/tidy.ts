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
  runtime: { packages: ['wire'], npm: [...MESH_RUNTIME, '@peculiar/x509', 'reflect-metadata'] },
  kube: { packages: ['wire', 'api', 'model', 'runtime'], npm: ['yaml', '@bufbuild/protobuf'] },
  proxy: {
    packages: ['wire', 'api', 'model', 'runtime'],
    npm: ['dns-packet', ...MESH_RUNTIME],
  },
  'proxy/capture': { packages: ['wire', 'api', 'model', 'runtime', 'net'], npm: [] },
  net: { packages: ['wire', 'runtime'], npm: [] },
  control: {
    packages: ['wire', 'api', 'model', 'runtime', 'kube'],
    npm: ['yaml', ...MESH_RUNTIME],
  },
  extensions: { packages: ['wire', 'api', 'model', 'runtime', 'kube', 'control'], npm: [...MESH_RUNTIME, 'yaml'] },
  lab: {
    packages: ['wire', 'api/kube', 'runtime', 'net'],
    npm: ['cron-parser', 'yaml', 'dns-packet', 're2js', '@bufbuild/*', 'jose'],
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

/** Why `spec` may not be imported by `file`, or undefined where it may. */
function importBreach(file: string, name: string, law: Law, spec: string, typeOnly: boolean): string | undefined {
  if (spec.startsWith('.')) return relativeBreach(file, spec);
  if (spec.startsWith('#')) return packageBreach(name, law, spec.slice(1), typeOnly);
  if (/^(node|bun):/.test(spec)) {
    const bunOnly = spec.startsWith('bun:') && !/^(runtime|net)(\/|$)/.test(name) && spec !== 'bun:test';
    return bunOnly ? 'Bun-only modules belong in runtime' : undefined;
  }
  const npmName = spec.startsWith('@') ? spec.split('/').slice(0, 2).join('/') : (spec.split('/')[0] ?? spec);
  if (/\.(test|fake)\.ts$/.test(file) && npmName === 'fast-check') return undefined;
  if (law.npm.some((rule) => matches(rule, npmName))) return undefined;
  return `npm packages allowed here: ${law.npm.join(', ') || 'none'}`;
}

function relativeBreach(file: string, spec: string): string | undefined {
  const target = join(dirname(file), spec);
  if (!existsSync(target)) return 'no such file';
  const packageOf = (path: string) => relative(join(root, 'packages'), path).split('/')[0];
  return packageOf(target) === packageOf(file) ? undefined : `use '#package/folder' across packages`;
}

function packageBreach(name: string, law: Law, target: string, typeOnly: boolean): string | undefined {
  if (!existsSync(join(root, 'packages', target, 'index.ts'))) return 'that folder has no index.ts';
  const [pkg, folder] = target.split('/');
  if (pkg === name.split('/')[0]) return undefined;
  const allowed = law.packages.some((rule) => {
    if (rule.startsWith('types:')) return typeOnly && rule.slice(6) === pkg;
    return rule === '*' || rule === pkg || rule === `${pkg}/${folder}`;
  });
  return allowed ? undefined : `${name} may import only: ${law.packages.join(', ') || 'nothing'}`;
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
  for (const match of text.matchAll(IMPORT)) {
    const spec = match[2] ?? match[3] ?? '';
    const breach = importBreach(file, name, law, spec, Boolean(match[1]));
    if (breach) breaches.push(`${relative(root, file)}: imports ${spec}: ${breach}`);
  }
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
