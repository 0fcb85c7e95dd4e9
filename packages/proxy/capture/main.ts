import { run } from '#net/programs';
import { applyRules } from './apply.ts';
import { CaptureError, parseCaptureArgs } from './options.ts';

/** Sets up traffic capture and exits: 0, or 1 with one line that says what is wrong. */
export async function runInit(args: readonly string[]): Promise<void> {
  try {
    const options = parseCaptureArgs(args);
    const applied = await applyRules(options, run);
    process.stdout.write(options.simulate ? applied : `traffic capture is set up:\n${applied}`);
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    process.stderr.write(`init: ${text}\n`);
    if (!(error instanceof CaptureError) && error instanceof Error && error.stack)
      process.stderr.write(`${error.stack}\n`);
    process.exit(1);
  }
}
