import { Database as BunDatabase } from 'bun:sqlite';

export type SqlValue = string | number | bigint | Uint8Array | null;

/** A prepared statement; parameters are positional (`?`). */
export interface Statement {
  run(...values: SqlValue[]): void;
  all<Row>(...values: SqlValue[]): Row[];
}

export interface Database {
  /** Runs one or more statements without parameters. */
  exec(sql: string): void;
  prepare(sql: string): Statement;
  /** Runs `work` in one transaction: all of it is kept or, if it throws, none. */
  transaction(work: () => void): void;
  /** Folds the write-ahead log into the file and closes it. */
  close(): void;
}

/** Opens or creates the database at `path`; `:memory:` keeps it in memory. Throws when the file is not usable. */
export function openDatabase(path: string): Database {
  const database = new BunDatabase(path, { create: true });
  database.run('PRAGMA journal_mode = WAL');
  database.run('PRAGMA synchronous = NORMAL');
  return {
    exec: (sql) => {
      database.run(sql);
    },
    prepare: (sql) => {
      const statement = database.prepare(sql);
      return {
        run: (...values) => {
          statement.run(...values);
        },
        all: <Row>(...values: SqlValue[]) => statement.all(...values) as Row[],
      };
    },
    transaction: (work) => database.transaction(work)(),
    close: () => {
      database.run('PRAGMA wal_checkpoint(TRUNCATE)');
      database.close(false);
    },
  };
}
