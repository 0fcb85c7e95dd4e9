/**
 * One SQLite file, opened for append-and-recover use: WAL journal, `synchronous=NORMAL` (a crash of the process loses
 * nothing, a crash of the machine at most the last moments). Wraps bun:sqlite so that nothing else depends on it.
 */
export { type Database, openDatabase, type SqlValue, type Statement } from './sqlite.ts';
