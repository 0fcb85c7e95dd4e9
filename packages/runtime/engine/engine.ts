/**
 * The engine lets garbage grow with the memory of the machine, as if it had the machine to itself. Taken for a small one it collects
 * while the heap is small: a busy proxy holds less. Less than this costs: with 128 MB large bodies, whose buffers are garbage at once,
 * took 1.3 times the CPU time.
 *
 * The allocator gives free memory back after 10 ms. With large bodies it is wanted again a little later and has to be mapped and
 * cleared anew: a tenth to a third of their CPU time on a busy machine, where turns take longer.
 */
const SETTINGS = {
  BUN_JSC_forceRAMSize: String(192 * 1024 * 1024),
  MIMALLOC_PURGE_DELAY: '500',
} as const;

/** The program itself, where it is compiled; else the script is the first argument. */
const COMPILED = '/$bunfs/';

/**
 * Makes this process collect garbage often and keep free memory for a moment, by starting its program anew in place: same process,
 * arguments and open files. What the environment has set already is left alone. To be called first of all; returns only
 * when nothing had to be done, or why it could not be.
 */
export function tuneMemory(): Error | undefined {
  const isSet = Object.keys(SETTINGS).every((name) => process.env[name] !== undefined);
  if (isSet || !process.execve) return undefined;
  const [program = '', script = '', ...args] = process.argv;
  const own = script.startsWith(COMPILED) ? args : [...process.execArgv, script, ...args];
  try {
    return process.execve(process.execPath, [program, ...own], { ...SETTINGS, ...process.env });
  } catch (error) {
    return error as Error;
  }
}
