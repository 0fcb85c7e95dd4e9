import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ImageRecord } from '#lab/images';

/** Applications of the folder `demos`, by the image that published manifests name. */
const DEMOS: Readonly<Record<string, string>> = { 'buoyantio/bb': 'bb' };
const FOLDER = join(import.meta.dirname, '..', '..', 'demos');

/**
 * Images of the demonstration applications: each is one source file, run by the executable in its other role, the runtime
 * itself (`BUN_BE_BUN`), so that no further program has to be built or kept in memory. Without a checkout there are none.
 */
export function demoImages(executable: string): ImageRecord[] {
  return Object.entries(DEMOS).flatMap(([name, folder]) => {
    const source = join(FOLDER, folder, 'main.ts');
    if (!existsSync(source)) return [];
    const program = `/srv/${folder}/main.ts`;
    return [
      {
        name,
        entrypoint: ['/usr/bin/bun', program],
        env: { BUN_BE_BUN: '1' },
        mounts: [{ source: executable, target: '/usr/bin/bun' }],
        files: { [program]: readFileSync(source, 'utf8') },
        user: { uid: 65_534, gid: 65_534 },
      },
    ];
  });
}
