/** This program as a command line, and as one compiled executable that every user of the machine can run. */
export { compiledExecutable, selfArgv, selfPath } from './executable.ts';
