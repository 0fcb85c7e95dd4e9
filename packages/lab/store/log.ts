import { type Database, openDatabase } from '#runtime/sqlite';

/** One write: `json` is the object as of `revision`, for `DELETED` its last state. */
export interface LogEntry {
  revision: number;
  /** Storage name of the resource, e.g. `apps/deployments`, `/pods`. */
  resource: string;
  /** `namespace/name`, or `/name` for cluster-scoped objects. */
  key: string;
  type: 'ADDED' | 'MODIFIED' | 'DELETED';
  json: string;
}

/** Where revisions outlive the process. */
export interface RevisionLog {
  /** All kept entries in order; those that a later entry supersedes may be missing up to `compactedTo`. */
  load(): { entries: Iterable<LogEntry>; compactedTo: number };
  append(entry: LogEntry): void;
  /** Drops entries up to `revision` that a later one supersedes. */
  compact(revision: number): void;
  readNote(name: string): string | undefined;
  writeNote(name: string, text: string): void;
  close(): void;
}

/** Keeps notes but no log: the store's own memory is all there is. */
export function memoryLog(): RevisionLog {
  const notes = new Map<string, string>();
  return {
    load: () => ({ entries: [], compactedTo: 0 }),
    append: () => undefined,
    compact: () => undefined,
    readNote: (name) => notes.get(name),
    writeNote: (name, text) => {
      notes.set(name, text);
    },
    close: () => undefined,
  };
}

const TABLES = `
  CREATE TABLE IF NOT EXISTS log (
    revision INTEGER PRIMARY KEY, resource TEXT NOT NULL, key TEXT NOT NULL, type TEXT NOT NULL, json TEXT NOT NULL
  );
  CREATE INDEX IF NOT EXISTS log_by_key ON log (resource, key, revision);
  CREATE TABLE IF NOT EXISTS notes (name TEXT PRIMARY KEY, text TEXT NOT NULL);
`;

const COMPACT = `
  DELETE FROM log WHERE revision <= ? AND (type = 'DELETED' OR EXISTS (
    SELECT 1 FROM log AS later WHERE later.resource = log.resource AND later.key = log.key AND later.revision > log.revision
  ))
`;

const COMPACTED_TO = 'compacted-to';

/** A log in the SQLite file at `path`. */
export function sqliteLog(path: string): RevisionLog {
  const database: Database = openDatabase(path);
  database.exec(TABLES);
  const insert = database.prepare('INSERT INTO log (revision, resource, key, type, json) VALUES (?, ?, ?, ?, ?)');
  const compact = database.prepare(COMPACT);
  const select = database.prepare('SELECT revision, resource, key, type, json FROM log ORDER BY revision');
  const selectNote = database.prepare('SELECT text FROM notes WHERE name = ?');
  const upsertNote = database.prepare('INSERT OR REPLACE INTO notes (name, text) VALUES (?, ?)');
  const readNote = (name: string) => selectNote.all<{ text: string }>(name)[0]?.text;
  return {
    load: () => ({ entries: select.all<LogEntry>(), compactedTo: Number(readNote(COMPACTED_TO) ?? 0) }),
    append: ({ revision, resource, key, type, json }) => insert.run(revision, resource, key, type, json),
    compact: (revision) =>
      database.transaction(() => {
        compact.run(revision);
        upsertNote.run(COMPACTED_TO, String(revision));
      }),
    readNote,
    writeNote: (name, text) => upsertNote.run(name, text),
    close: () => database.close(),
  };
}
