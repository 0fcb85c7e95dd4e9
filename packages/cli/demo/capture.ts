import { spawn } from 'node:child_process';
import { DEFAULT_ROOT, labShellArgv } from '#lab/supervisor';

/** libpcap file format: a header of 24 bytes, then per packet 16 bytes of header whose third word is the length. */
const FILE_HEADER_BYTES = 24;
const PACKET_HEADER_BYTES = 16;
const CAPTURE_BYTES_MAX = 32 * 1024 * 1024;

export interface Capture {
  packets: number;
  /** Whether any packet holds the text. */
  plaintext: boolean;
}

/** Captures TCP for `seconds` on the node's end of a pod's cable, and looks for `text` in it. */
export async function captureVeth(
  where: { lab: string; node: string; podIp: string },
  text: string,
  seconds: number,
  signal: AbortSignal,
): Promise<Capture> {
  const script = `dev=$(ip -n ${where.node} -o route get ${where.podIp} | sed -n 's/.* dev \\([^ ]*\\).*/\\1/p')
exec timeout ${seconds} ip netns exec ${where.node} tcpdump --immediate-mode -s 0 -U -w - -i "$dev" tcp`;
  const inside = labShellArgv({ name: where.lab, root: DEFAULT_ROOT, path: process.env['PATH'] ?? '' }, [
    'sh',
    '-c',
    script,
  ]);
  const [program = '', ...args] = inside.argv;
  const child = spawn(program, args, {
    env: { ...process.env, ...inside.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    signal,
  });
  const chunks: Buffer[] = [];
  let bytes = 0;
  let complaint = '';
  child.stderr.on('data', (chunk: Buffer) => {
    complaint = (complaint + chunk.toString()).slice(-2000);
  });
  child.stdout.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes <= CAPTURE_BYTES_MAX) chunks.push(chunk);
  });
  await new Promise<void>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', () => resolve());
  });
  const file = Buffer.concat(chunks);
  if (file.length < FILE_HEADER_BYTES) throw new Error(`tcpdump captured nothing: ${complaint.trim()}`);
  return { packets: countPackets(file), plaintext: file.includes(text) };
}

export function countPackets(file: Buffer): number {
  let packets = 0;
  for (let at = FILE_HEADER_BYTES; at + PACKET_HEADER_BYTES <= file.length; packets++)
    at += PACKET_HEADER_BYTES + file.readUInt32LE(at + 8);
  return packets;
}
