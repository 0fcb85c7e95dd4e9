/** What the lab's scenarios share: a lab with a small web server as an image, and waits on kubectl's answers. */
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually, type Lab, requireProgram, startLab } from '../../harness/index.ts';

/** Answers `<hostname> <client address>` on port 8080; /slow takes two seconds, /status/503 answers 503. */
const WEB = `
Bun.serve({
  port: 8080,
  async fetch(request, server) {
    const { pathname } = new URL(request.url);
    if (pathname === '/slow') await Bun.sleep(2000);
    const status = Number(/^\\/status\\/(\\d+)$/.exec(pathname)?.[1] ?? 200);
    return new Response(process.env.HOSTNAME + ' ' + server.requestIP(request)?.address + '\\n', { status });
  },
});
process.on('SIGTERM', () => process.exit(0));
`;

/** The program that runs these tests, as the image \`test/web\`. */
export const WEB_IMAGE = 'test/web';

export interface LabFixture extends Lab {
  kubectl(args: string): Promise<string>;
  apply(manifest: string, context?: string): Promise<void>;
  /** Waits until a kubectl command prints what the check accepts; gives its output. */
  until(what: string, args: string, accepts: (output: string) => boolean, timeoutMs?: number): Promise<string>;
}

/** Starts a lab of a fresh name. Call \`down\` in an \`after\` hook. */
export async function startFixture(args: readonly string[] = ['--clusters', 'west']): Promise<LabFixture> {
  requireProgram('kubectl', 'kubectl >= 1.28');
  const folder = mkdtempSync(join(tmpdir(), 'weft-lab-images-'));
  const images = join(folder, 'images.json');
  const mounts = [{ source: realpathSync(process.execPath), target: '/usr/bin/bun' }];
  writeFileSync(images, JSON.stringify([{ name: WEB_IMAGE, entrypoint: ['/usr/bin/bun', '-e', WEB], mounts }]));
  const lab = await startLab([...args, '--no-weft', '--images', images]).finally(() =>
    rmSync(folder, { recursive: true }),
  );
  const kubectl = (command: string): Promise<string> => lab.ok(`kubectl ${command}`);
  return {
    ...lab,
    kubectl,
    async apply(manifest, context = 'west') {
      await lab.ok(`kubectl --context ${context} apply -f -`, { input: manifest });
    },
    until: (what, command, accepts, timeoutMs = 20_000) =>
      eventually(
        what,
        timeoutMs,
        async () => {
          const { stdout } = await lab.sh(`kubectl ${command}`);
          return accepts(stdout) ? stdout : undefined;
        },
        100,
      ),
  };
}

/** A pod of one container that runs a shell script, as JSON for kubectl. */
export function shellPod(
  name: string,
  script: string,
  rest: { spec?: object; container?: object; labels?: object } = {},
): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels: rest.labels ?? {} },
    spec: {
      terminationGracePeriodSeconds: 2,
      containers: [{ name: 'main', image: 'busybox', command: ['sh', '-c', script], ...rest.container }],
      ...rest.spec,
    },
  });
}

/** A Deployment of the web server with a Service of the same name on port 80 and a headless one, \`NAME-headless\`. */
export function webApp(name: string, replicas: number, service: object = {}): string {
  const labels = { app: name };
  const container = {
    name: 'web',
    image: WEB_IMAGE,
    ports: [{ name: 'http', containerPort: 8080 }],
    readinessProbe: { httpGet: { port: 'http', path: '/' }, periodSeconds: 1 },
  };
  const objects = [
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name },
      spec: {
        replicas,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers: [container] } },
      },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name },
      spec: { selector: labels, ports: [{ name: 'http', port: 80, targetPort: 'http' }], ...service },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: `${name}-headless` },
      spec: { clusterIP: 'None', selector: labels, ports: [{ name: 'http', port: 8080 }] },
    },
  ];
  return JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects });
}
