/** A client's frame, masked as clients must. */
export function clientFrame(opcode: number, payload: Uint8Array, { fin = true } = {}): Uint8Array {
  const { length } = payload;
  const extended = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const frame = Buffer.alloc(2 + extended + 4 + length);
  frame[0] = (fin ? 0x80 : 0) | opcode;
  frame[1] = 0x80 | (extended === 0 ? length : extended === 2 ? 126 : 127);
  if (extended === 2) frame.writeUInt16BE(length, 2);
  if (extended === 8) frame.writeBigUInt64BE(BigInt(length), 2);
  const mask = [0x12, 0x34, 0x56, 0x78];
  frame.set(mask, 2 + extended);
  for (let at = 0; at < length; at++) frame[2 + extended + 4 + at] = payload[at]! ^ mask[at % 4]!;
  return frame;
}
