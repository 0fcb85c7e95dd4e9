import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { DEFAULT_ROOT, labFolders, labNames } from '#lab/supervisor';

const REPOSITORY = join(import.meta.dirname, '..', '..', '..');
/** Checkouts may lie where other users cannot read; this folder every uid can. */
const CACHE = '/var/cache/weft/bin';
/** A build that was used within this time is kept: its lab may just be starting. */
const FRESH_MS = 60 * 60 * 1000;
const BUILD_TIMEOUT_MS = 120_000;

/** Whether this is the compiled executable: then its code is not on disk, and `import.meta` tells of where it was built. */
const isCompiled = (): boolean => process.argv[1]?.startsWith('/$bunfs/') === true;

/** Command line that starts this program again. */
export function selfArgv(): string[] {
  return isCompiled() ? [process.execPath] : [process.execPath, join(REPOSITORY, 'packages', 'cli', 'main.ts')];
}

/** File or folder that holds everything of {@link selfArgv}. */
export const selfPath = (): string => (isCompiled() ? process.execPath : REPOSITORY);

/**
 * Path of the program as one executable that every user can read and run, built when its sources changed. Throws with the
 * compiler's words.
 */
export function compiledExecutable(): string {
  const folder = join(CACHE, isCompiled() ? hashFiles([process.execPath]) : hashFiles(sourceFiles()));
  const path = join(folder, 'weft');
  if (existsSync(path)) {
    const now = new Date();
    utimesSync(folder, now, now);
    return path;
  }
  mkdirSync(CACHE, { recursive: true, mode: 0o755 });
  const building = `${folder}.${process.pid}`;
  mkdirSync(building, { mode: 0o755 });
  try {
    if (isCompiled()) copyFileSync(process.execPath, join(building, 'weft'));
    else compile(join(building, 'weft'));
    chmodSync(join(building, 'weft'), 0o755);
    if (!existsSync(path)) renameSync(building, folder);
  } finally {
    rmSync(building, { recursive: true, force: true });
  }
  dropOldBuilds(folder);
  return path;
}

function compile(outfile: string): void {
  const args = [
    'build',
    '--compile',
    '--bytecode',
    join(REPOSITORY, 'packages', 'cli', 'main.ts'),
    '--outfile',
    outfile,
  ];
  const built = spawnSync(process.execPath, args, {
    cwd: dirname(outfile),
    timeout: BUILD_TIMEOUT_MS,
    encoding: 'utf8',
  });
  if (built.status !== 0) throw new Error(`compiling weft failed: ${built.stderr || built.error?.message}`);
}

function sourceFiles(): string[] {
  const files: string[] = [join(REPOSITORY, 'package-lock.json')];
  const visit = (folder: string): void => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) visit(path);
      else if (/\.(ts|js|json)$/.test(entry.name) && !/\.test\.ts$/.test(entry.name)) files.push(path);
    }
  };
  visit(join(REPOSITORY, 'packages'));
  return files.sort();
}

function hashFiles(paths: readonly string[]): string {
  const hash = createHash('sha256');
  for (const path of paths) hash.update(path).update('\0').update(readFileSync(path));
  return hash.digest('hex').slice(0, 16);
}

/** Removes builds that nobody used lately and whose containers no lab may have to start again. */
function dropOldBuilds(present: string): void {
  const wanted = labNames(DEFAULT_ROOT).map((name) => readText(labFolders(name, DEFAULT_ROOT).images));
  for (const name of readdirSync(CACHE)) {
    const folder = join(CACHE, name);
    const isFresh = Date.now() - statSync(folder).mtimeMs < FRESH_MS;
    if (folder === present || isFresh || wanted.some((images) => images.includes(folder))) continue;
    rmSync(folder, { recursive: true, force: true });
  }
}

function readText(path: string): string {
  // A lab that is going away has no list any more, and needs nothing.
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}
