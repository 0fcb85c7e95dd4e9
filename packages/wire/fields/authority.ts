import { HEX } from './chars.ts';

/** 1 for bytes of `uri-host` (RFC 3986 section 3.2.2) but the comma, which is what two `host` fields merge to. */
const HOST = new Uint8Array(256);
for (const char of "-._~!$&'()*+;=%0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
  HOST[char.charCodeAt(0)] = 1;

/** 1 for bytes between the brackets of an IP literal. */
const LITERAL = new Uint8Array(256);
for (const char of '0123456789abcdefABCDEF:.%-_~vV') LITERAL[char.charCodeAt(0)] = 1;

const PERCENT = 0x25;
const PORT_DIGITS_MAX = 5;
const PORT_MAX = 65_535;

/**
 * Whether `buf[start, end)` is `host [":" port]` without user information, e.g. `web.test:80` or `[fd00::1]:80`. The host may
 * be empty only together with the port: `host:` without value is what a request without authority sends.
 */
export function isAuthority(buf: Uint8Array, start: number, end: number): boolean {
  if (start === end) return true;
  let i = start;
  if (buf[i] === 0x5b) {
    i++;
    while (i < end && LITERAL[buf[i]!] === 1) i++;
    if (i === start + 1 || i >= end || buf[i] !== 0x5d) return false;
    i++;
  } else
    for (; i < end && HOST[buf[i]!] === 1; i++)
      if (buf[i] === PERCENT && (HEX[buf[i + 1]!] === 255 || HEX[buf[i + 2]!] === 255 || i + 2 >= end)) return false;
  if (i === start) return false;
  if (i === end) return true;
  return buf[i] === 0x3a && isPort(buf, i + 1, end);
}

function isPort(buf: Uint8Array, start: number, end: number): boolean {
  if (end - start > PORT_DIGITS_MAX) return false;
  let port = 0;
  for (let i = start; i < end; i++) {
    if (buf[i]! < 0x30 || buf[i]! > 0x39) return false;
    port = port * 10 + buf[i]! - 0x30;
  }
  return port <= PORT_MAX;
}
