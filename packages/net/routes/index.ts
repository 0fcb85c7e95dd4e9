/** iproute2 in batches: many link, address, route and namespace commands in one process. */
import { run } from '../programs/index.ts';

/**
 * Runs lines such as `link set eth0 up` or `route add default via 10.0.0.1` in order with one `ip` process; stops at the
 * first refused line. `namespace` is a name under /run/netns, `netPath` any namespace file.
 */
export async function ipBatch(
  lines: readonly string[],
  options: { namespace?: string; netPath?: string } = {},
): Promise<void> {
  if (lines.length === 0) return;
  const args = [...(options.namespace === undefined ? [] : ['-n', options.namespace]), '-batch', '-'];
  const namespaces = options.netPath === undefined ? {} : { namespaces: { net: options.netPath } };
  await run('ip', args, { input: `${lines.join('\n')}\n`, ...namespaces });
}
