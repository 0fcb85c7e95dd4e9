/** The conformance tester h2spec against one face, and what it reports. */
import { readFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { run } from '../harness/index.ts';
import { dial } from './dial.ts';
import type { Face } from './faces.ts';
import { FOLDER, TLS_FOLDER } from './plan.ts';

export interface Section {
  /** E.g. `http2/6.9.1`. */
  readonly id: string;
  readonly title: string;
  readonly tests: number;
  readonly failed: number;
  readonly skipped: number;
}

export interface SpecReport {
  readonly face: string;
  readonly sections: readonly Section[];
  /** Section, test and what was expected and seen, one line each. */
  readonly failures: readonly string[];
}

const LIMIT_MS = 180_000;
/** How long one test waits for what it expects. */
const TEST_TIMEOUT_S = 2;
/** The tester wants a response with a body that windows can hold back. */
const PATH = '/bytes/1000';

/** `program`: path of h2spec. Rejects when it does not run to its end. */
export async function runH2spec(program: string, face: Face): Promise<SpecReport> {
  const relay = face.meshTls ? await startRelay(face) : undefined;
  const [host, port] = relay ? ['127.0.0.1', relay.port] : [face.host, face.port];
  const report = `${FOLDER}/h2spec-${face.port}.xml`;
  const args = ['-h', host, '-p', String(port), '-P', PATH, '-o', String(TEST_TIMEOUT_S), '-S', '-j', report];
  try {
    const done = await run(program, args, { timeoutMs: LIMIT_MS });
    // 1: some test failed, which the report tells better.
    if (done.code > 1) throw new Error(`h2spec ended with ${done.code}: ${done.stderr || done.stdout}`);
    const parsed = parseReport(readFileSync(report, 'utf8'));
    const counted = parsed.sections.reduce((sum, { tests }) => sum + tests, 0);
    const said = Number(/^(\d+) tests,/m.exec(done.stdout)?.[1]);
    if (counted !== said) throw new Error(`h2spec speaks of ${said} tests, its report of ${counted}`);
    return { face: face.name, ...parsed };
  } finally {
    relay?.close();
  }
}

/** Reads a JUnit report. */
export function parseReport(xml: string): Omit<SpecReport, 'face'> {
  const sections: Section[] = [];
  const failures: string[] = [];
  for (const [, attributes = '', body = ''] of xml.matchAll(/<testsuite ([^>]*?)(?:\/>|>([\s\S]*?)<\/testsuite>)/g)) {
    const of = (name: string): string => plainText(new RegExp(`\\b${name}="([^"]*)"`).exec(attributes)?.[1] ?? '');
    const tests = Number(of('tests'));
    if (tests === 0) continue;
    const id = of('package');
    const failed = Number(of('failures')) + Number(of('errors'));
    sections.push({ id, title: of('name'), tests, failed, skipped: Number(of('skipped')) });
    for (const [, test = '', failure = ''] of body.matchAll(
      /<testcase [^>]*classname="([^"]*)"[^>]*>\s*<(?:failure|error)[^>]*>([\s\S]*?)<\/(?:failure|error)>/g,
    ))
      failures.push(`${id} ${plainText(test)}: ${plainText(failure).replace(/\s+/g, ' ').trim()}`);
  }
  if (sections.length === 0) throw new Error('h2spec reported no test');
  return { sections, failures };
}

const plainText = (text: string): string =>
  text
    .replace(/&#x([0-9a-f]+);/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
    .replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)))
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&amp;', '&');

/** A port on loopback whose connections become those of a client in the mesh. */
export async function startRelay(face: Face): Promise<{ port: number; close: () => void }> {
  const open = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (near) => {
    const far = dial(face, TLS_FOLDER);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(from);
      from.pipe(to);
      from.on('error', () => to.destroy());
      from.on('close', () => {
        open.delete(from);
        to.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the relay has no port');
  return {
    port: address.port,
    close: () => {
      server.close();
      for (const each of open) each.destroy();
    },
  };
}
