import type { ImageRecord } from '#lab/images';

/** Where pods see the executable. */
const PROGRAM = '/usr/bin/weft';

/** Blocks until the proxy beside it is ready: what published manifests call after a container started. */
const AWAIT = `#!/bin/sh\nexec ${PROGRAM} await "$@"\n`;

/** Redirects the pod's traffic: the proxy's image carries it, too. */
const INIT = `#!/bin/sh\nexec ${PROGRAM} init "$@"\n`;

/** Proves that the CNI plug-in redirects the pod's traffic. */
const VALIDATOR = `#!/bin/sh\nexec ${PROGRAM} network-validator "$@"\n`;

/**
 * The images that the executable stands for, under the names that Linkerd's manifests use. Words of a container's \`args\` follow
 * the entrypoint.
 */
export function weftImages(executable: string): ImageRecord[] {
  const mounts = [{ source: executable, target: PROGRAM }];
  const proxyUser = { uid: 2102, gid: 2102 };
  return [
    {
      name: 'cr.l5d.io/linkerd/proxy',
      entrypoint: [PROGRAM, 'proxy'],
      mounts,
      user: proxyUser,
      files: {
        '/usr/lib/linkerd/linkerd-await': AWAIT,
        '/usr/lib/linkerd/linkerd2-proxy-init': INIT,
        '/usr/lib/linkerd/linkerd2-network-validator': VALIDATOR,
      },
    },
    { name: 'cr.l5d.io/linkerd/proxy-init', entrypoint: [PROGRAM, 'init'], mounts, user: { uid: 65_534, gid: 65_534 } },
    { name: 'cr.l5d.io/linkerd/', entrypoint: [PROGRAM], mounts, user: { uid: 2103, gid: 2103 } },
  ];
}
