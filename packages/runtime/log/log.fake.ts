import { parseFilter } from './filter.ts';
import { createLog, type Log } from './log.ts';

/** A log whose lines tests can read: `LEVEL target: message field=value`. */
export class FakeLog {
  readonly lines: string[] = [];
  readonly log: Log;

  constructor(filter = 'debug') {
    const parsed = parseFilter(filter);
    if ('error' in parsed) throw new Error(parsed.error);
    this.log = createLog({
      format: 'plain',
      filter: parsed.value,
      write: (line) =>
        this.lines.push(
          line
            .replace(/^\[[^\]]*\] +/, '')
            .replace('ThreadId(01) ', '')
            .trimEnd(),
        ),
      uptimeSeconds: () => 0,
      wallMs: () => 0,
    });
  }
}
