/** The commands of a guide in docs/guides: what stands in its `sh` blocks, by the heading above them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const GUIDES = join(import.meta.dirname, '..', '..', 'docs', 'guides');

/** Heading -> blocks, each a script. */
export function guideBlocks(name: string): ReadonlyMap<string, readonly string[]> {
  const blocks = new Map<string, string[]>();
  let heading = '';
  let block: string[] | undefined;
  for (const line of readFileSync(join(GUIDES, name), 'utf8').split('\n')) {
    if (block === undefined && line.startsWith('#')) heading = line.replace(/^#+ /, '');
    else if (line === '```sh') block = [];
    else if (line === '```' && block) {
      blocks.set(heading, [...(blocks.get(heading) ?? []), block.join('\n')]);
      block = undefined;
    } else block?.push(line);
  }
  return blocks;
}
