import { dlopen, FFIType, ptr } from 'bun:ffi';

const LIBC = 'libc.so.6';

/** Loaded on first use, so that programs which never ask need no C library by that name. */
let symbols: ReturnType<typeof load> | undefined;

function load() {
  return dlopen(LIBC, {
    getsockopt: {
      args: [FFIType.i32, FFIType.i32, FFIType.i32, FFIType.ptr, FFIType.ptr],
      returns: FFIType.i32,
    },
    listen: { args: [FFIType.i32, FFIType.i32], returns: FFIType.i32 },
    setsockopt: { args: [FFIType.i32, FFIType.i32, FFIType.i32, FFIType.ptr, FFIType.u32], returns: FFIType.i32 },
  }).symbols;
}

/** getsockopt(2). The option's bytes, at most `bytesMax`; undefined when the call fails. */
export function getSocketOption(fd: number, level: number, option: number, bytesMax: number): Uint8Array | undefined {
  symbols ??= load();
  const value = new Uint8Array(bytesMax);
  const length = new Uint32Array([bytesMax]);
  const result = symbols.getsockopt(fd, level, option, ptr(value), ptr(length));
  return result === 0 ? value.subarray(0, length[0]) : undefined;
}

/** setsockopt(2) with an int; false when the call fails. */
export function setSocketOptionInt(fd: number, level: number, option: number, value: number): boolean {
  symbols ??= load();
  const bytes = new Int32Array([value]);
  return symbols.setsockopt(fd, level, option, ptr(bytes), 4) === 0;
}

/** listen(2) on a socket that listens already, which sets its backlog anew; false when the call fails. */
export function setBacklog(fd: number, backlog: number): boolean {
  symbols ??= load();
  return symbols.listen(fd, backlog) === 0;
}
