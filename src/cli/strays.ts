import { writeSync } from 'node:fs';
import { messageOf, StructdbError } from '../core/errors.ts';
import { exitCodeOf, hasLeft } from './leave.ts';
import { envelope, type OutputSettings, renderError, styleFor } from './output.ts';

/** How long a command may take to its end once something strayed. */
const PATIENCE_MS = 60_000;

export interface Watched {
  /** `migrate up`. */
  readonly name: string;
  readonly version: string;
  readonly output: OutputSettings;
  /** Stops the command, which cleans up. */
  readonly abort: AbortController;
}

/**
 * Watches for what no command can catch: a promise that nobody waits for, an error in a timer, a process.exit, as a migration,
 * suite or configuration may have them. Node would end the process at once, with a stack trace or without a word, and without
 * any cleaning up. Gives what judges the outcome of the command by what strayed meanwhile.
 */
export function watchStrays(watched: Watched): (error: StructdbError | undefined) => StructdbError | undefined {
  let stray: StructdbError | undefined;
  process.on('uncaughtException', (thrown) => {
    if (stray !== undefined) return;
    stray = new StructdbError('INTERNAL', `Something failed that nobody waits for: ${messageOf(thrown)}`, {
      cause: thrown,
      hint: 'In a migration, suite or configuration of your own put await before it; else report what --verbose prints.',
    });
    watched.abort.abort();
    setTimeout(() => process.exit(), PATIENCE_MS).unref();
  });
  process.on('exit', (code) => {
    if (!hasLeft()) tellAtOnce(stray ?? endedBy(code), watched);
  });
  return (error) => {
    if (stray === undefined) return error;
    // What the command says itself tells more, unless it is only that it was stopped.
    if (error === undefined || error.code === 'INTERRUPTED') return stray;
    const { code, message, cause, details, hint } = error;
    return new StructdbError(code, message, { cause, details: [...details, stray.message], ...(hint ? { hint } : {}) });
  };
}

function endedBy(code: number): StructdbError {
  return new StructdbError('INTERNAL', `The process was ended with ${code} before the command was done.`, {
    hint: 'Look for process.exit in a migration, suite or configuration of your own.',
  });
}

/** No turn of the event loop comes any more. */
function tellAtOnce(error: StructdbError, { name, version, output }: Watched): void {
  process.exitCode = exitCodeOf(name, error);
  try {
    if (output.json) writeSync(1, envelope(version, name, null, error, process.exitCode));
    writeSync(2, renderError(error, styleFor(output, process.stderr, process.env), output.verbose));
  } catch {
    // Nobody can read it: the exit code alone tells.
  }
}
