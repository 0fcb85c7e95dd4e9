/** Metrics of one side of connections, bound before. */
export interface TcpScope {
  opened(): void;
  read(bytes: number): void;
  wrote(bytes: number): void;
  /** `errno` is empty for a clean close, else e.g. `ECONNRESET`. */
  closed(errno: string): void;
}
