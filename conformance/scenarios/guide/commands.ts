/** Reads a published guide: the shell commands behind `> `, in order, here-documents and wrapped lines included. */

export interface GuideCommand {
  /** The heading under which it stands, e.g. `Step 5: Label the services`. */
  step: string;
  command: string;
  /** What the guide prints below the command, up to the next command or heading. */
  shown: string[];
}

const HEADING = /^(Step \d+: .*|Troubleshooting|Next Steps|Prerequisites)$/;

/** Whether `text` ends inside a single-quoted string, as a command does that a page wrapped. */
const quoteIsOpen = (text: string) => (text.match(/'/g)?.length ?? 0) % 2 === 1;

export function readGuide(text: string): GuideCommand[] {
  const commands: GuideCommand[] = [];
  let step = '';
  const lines = text.split('\n');
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? '';
    if (HEADING.test(line)) step = line;
    else if (!line.startsWith('> ')) commands.at(-1)?.shown.push(line);
    else {
      let command = line.slice(2);
      if (command.includes('<<EOF')) {
        do command += `\n${lines[++at] ?? ''}`;
        while (lines[at] !== 'EOF' && at < lines.length);
      } else while (quoteIsOpen(command) && at + 1 < lines.length) command += lines[++at];
      commands.push({ step, command, shown: [] });
    }
  }
  return commands;
}
