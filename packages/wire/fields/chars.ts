/** Byte classes of RFC 9110 and 9112, as tables of 256 entries indexed by the byte. */

const tokenText = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

/** 1 for `tchar`: what methods and field names are made of. */
export const TOKEN = new Uint8Array(256);
for (const char of tokenText) TOKEN[char.charCodeAt(0)] = 1;

/** 1 for bytes of a field value: visible, space, tab and obs-text, but no control characters. */
export const VALUE = new Uint8Array(256);
for (let byte = 0x20; byte < 256; byte++) VALUE[byte] = byte === 0x7f ? 0 : 1;
VALUE[0x09] = 1;

/** 1 for bytes of a request target: visible and obs-text. */
export const TARGET = new Uint8Array(256);
for (let byte = 0x21; byte < 256; byte++) TARGET[byte] = byte === 0x7f ? 0 : 1;

/** Value of a hexadecimal digit, or 255. */
export const HEX = new Uint8Array(256).fill(255);
for (let digit = 0; digit < 16; digit++) {
  HEX[digit.toString(16).charCodeAt(0)] = digit;
  HEX[digit.toString(16).toUpperCase().charCodeAt(0)] = digit;
}

/** ASCII lower case of a byte. */
export const LOWER = new Uint8Array(256);
for (let byte = 0; byte < 256; byte++) LOWER[byte] = byte >= 0x41 && byte <= 0x5a ? byte + 32 : byte;

export const CR = 0x0d;
export const LF = 0x0a;
export const SP = 0x20;
export const HTAB = 0x09;
export const COLON = 0x3a;
export const COMMA = 0x2c;
export const SEMICOLON = 0x3b;
