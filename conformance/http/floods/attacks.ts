/** Every flood: which program makes it, against which version of HTTP. */
import { join } from 'node:path';
import type { Face, Version } from '../faces.ts';

export interface Attack {
  readonly name: string;
  readonly version: Version;
  /** What it is, for the report. */
  readonly text: string;
  /** What it may add to the memory of a proxy while it runs, MB. */
  readonly growthMB: number;
  /** `python`: folder of Python's h2. Ends by itself after `seconds`. */
  command(face: Face, seconds: number, python: string): { argv: string[]; env: Record<string, string> };
}

/** What the attacked proxies are told that they may take: as much as Linkerd gives its proxies where it is highly available. */
export const PROXY_MEMORY_BYTES = 250 * 1024 * 1024;
export const PEAK_GROWTH_MB_MAX = 64;
/**
 * For floods that ask for much and take nothing: until it is clear that they do, much waits for them, which costs up to three times
 * its size until the next collection.
 */
export const WAITING_GROWTH_MB_MAX = PEAK_GROWTH_MB_MAX + 96;
const SLOW_CONNECTIONS = 500;

/** Frames a second, as far as the other side takes them. */
const FRAMES_PER_SECOND = 20_000;
const SCRIPT = join(import.meta.dirname, 'flood.py');

const http2 = (name: string, text: string, growthMB = PEAK_GROWTH_MB_MAX): Attack => ({
  name,
  version: 'http2',
  text,
  growthMB,
  command: ({ host, port }, seconds, python) => ({
    argv: ['python3', SCRIPT, name, host, String(port), String(seconds), String(FRAMES_PER_SECOND)],
    env: { PYTHONPATH: python, PYTHONDONTWRITEBYTECODE: '1' },
  }),
});

const slow = (name: string, text: string, path: string, flags: string, growthMB = PEAK_GROWTH_MB_MAX): Attack => ({
  name,
  version: 'http1',
  text,
  growthMB,
  command: ({ host, port }, seconds) => {
    const all = `${flags} -c ${SLOW_CONNECTIONS} -r ${SLOW_CONNECTIONS / 2} -l ${seconds} -u http://${host}:${port}${path}`;
    return { argv: ['slowhttptest', ...all.split(' ')], env: {} };
  },
});

export const ATTACKS: readonly Attack[] = [
  http2('rapid-reset', 'requests that are reset at once (CVE-2023-44487)'),
  http2('late-reset', 'requests that are reset when they have been passed on'),
  http2('made-you-reset', 'requests that the server must reset (CVE-2025-8671)'),
  http2('continuation', 'a header block without end (VU#421644)'),
  http2('empty-continuation', 'CONTINUATION frames that carry nothing'),
  http2('settings', 'SETTINGS whose acknowledgments are not read (CVE-2019-9515)'),
  http2('ping', 'PING whose answers are not read (CVE-2019-9512)'),
  http2('priority', 'PRIORITY of streams that do not exist (CVE-2019-9513)'),
  http2('empty-data', 'DATA that carries nothing (CVE-2019-9518)'),
  http2('window-updates', 'credit by single bytes'),
  http2('unknown-frames', 'frames of an unknown type'),
  http2('header-bomb', 'header blocks of 16 KB that mean 40 MB (CVE-2016-6581)'),
  http2('bad-requests', 'requests that are refused one by one'),
  http2('open-streams', 'requests whose bodies never come'),
  http2('window-stall', '1,000 responses that nobody takes (CVE-2019-9511)', WAITING_GROWTH_MB_MAX),
  http2('slow-read', '100 responses of 1 MB taken byte by byte', WAITING_GROWTH_MB_MAX),
  http2('idle', '1,000 connections that only say hello'),
  slow('slow-headers', '500 heads that come line by line (slowloris)', '/', '-H -i 1'),
  slow('slow-body', '500 bodies that come bit by bit', '/', '-B -i 1 -s 8192'),
  slow(
    'slow-read-http1',
    '500 responses of 1 MB read slowly',
    '/bytes/1000000',
    '-X -n 1 -z 32 -w 64 -y 512',
    WAITING_GROWTH_MB_MAX,
  ),
];
