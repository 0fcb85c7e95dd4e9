import { dlopen, FFIType } from 'bun:ffi';

const SYMBOLS = {
  setns: { args: [FFIType.i32, FFIType.i32], returns: FFIType.i32 },
  socket: { args: [FFIType.i32, FFIType.i32, FFIType.i32], returns: FFIType.i32 },
  connect: { args: [FFIType.i32, FFIType.ptr, FFIType.u32], returns: FFIType.i32 },
  getsockopt: { args: [FFIType.i32, FFIType.i32, FFIType.i32, FFIType.ptr, FFIType.ptr], returns: FFIType.i32 },
  pipe2: { args: [FFIType.ptr, FFIType.i32], returns: FFIType.i32 },
  ioctl: { args: [FFIType.i32, FFIType.u64, FFIType.ptr], returns: FFIType.i32 },
  poll: { args: [FFIType.ptr, FFIType.u64, FFIType.i32], returns: FFIType.i32 },
  getpeername: { args: [FFIType.i32, FFIType.ptr, FFIType.ptr], returns: FFIType.i32 },
} as const;

const NAMES = ['libc.so.6', `libc.musl-${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}.so.1`];

function open() {
  const failures: string[] = [];
  for (const name of NAMES) {
    try {
      return dlopen(name, SYMBOLS).symbols;
    } catch (error) {
      failures.push(String(error));
    }
  }
  throw new Error(`no C library could be opened (tried ${NAMES.join(', ')}): ${failures.join('; ')}`);
}

let opened: ReturnType<typeof open> | undefined;

/** The few C library calls that Node has no API for; opened on first use. */
export function libc(): ReturnType<typeof open> {
  opened ??= open();
  return opened;
}

/** Linux errno values met here, by name. */
export const ERRNO = {
  ECONNREFUSED: 111,
  EINPROGRESS: 115,
  ETIMEDOUT: 110,
  EHOSTUNREACH: 113,
  ENETUNREACH: 101,
} as const;
