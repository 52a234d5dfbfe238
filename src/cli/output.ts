import chalk, { Chalk, type ChalkInstance } from 'chalk';
import { codeOf, type StructdbError } from '../core/errors.ts';
import type { ProgressEvent, ProgressListener } from '../core/progress.ts';
import { redact } from '../core/redact.ts';
import { formatDuration } from '../core/units.ts';
import { describeProgress, ProgressLines } from './progress-lines.ts';

export type Style = ChalkInstance;

export interface OutputSettings {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
  /** `--no-color` was given. */
  readonly noColor: boolean;
}

/** What the terminal can show: chalk reads FORCE_COLOR and the terminal by itself, but not NO_COLOR nor dumb pipes. */
export function styleFor(
  settings: OutputSettings,
  stream: { isTTY?: boolean },
  variables: Readonly<Record<string, string | undefined>>,
): Style {
  if (settings.noColor || variables.NO_COLOR) return new Chalk({ level: 0 });
  const forced =
    variables.FORCE_COLOR !== undefined && variables.FORCE_COLOR !== '0' && variables.FORCE_COLOR !== 'false';
  if (forced) return new Chalk({ level: Math.max(1, chalk.level) as 1 | 2 | 3 });
  return stream.isTTY && variables.TERM !== 'dumb' ? chalk : new Chalk({ level: 0 });
}

/**
 * Writes to a standard stream and waits until it is taken. A reader that went away (`| head`) is no error; a full disk is one.
 * @throws what the system says
 */
export async function write(stream: NodeJS.WritableStream, text: string): Promise<void> {
  await new Promise<void>((resolve, reject) =>
    stream.write(text, (error) => (error && codeOf(error) !== 'EPIPE' ? reject(error) : resolve())),
  );
}

/** Tells an error on stderr. Where nobody can read it the exit code alone tells. */
export async function tell(error: StructdbError, style: Style, verbose: boolean): Promise<void> {
  await write(process.stderr, renderError(error, style, verbose)).catch(() => {});
}

/** What is to be corrected, chosen or lost is told to the last line. */
const TOLD_WHOLE: ReadonlySet<string> = new Set(['CONFIG_INVALID', 'USAGE', 'CONFIRMATION_NEEDED']);

/** The lines of an error: what happened, the details, the next command. */
export function renderError(error: StructdbError, style: Style, verbose: boolean): string {
  const lines = [`${style.red('✗')} ${redact(error.message)}`];
  const details = verbose || TOLD_WHOLE.has(error.code) ? error.details : error.details.slice(0, 12);
  for (const detail of details) lines.push(`    ${redact(detail)}`);
  if (error.hint) lines.push(`  ${style.cyan('→')} ${redact(error.hint)}`);
  if (verbose) {
    for (
      let cause: unknown = error.cause ?? (error.code === 'INTERNAL' ? error : undefined);
      cause;
      cause = (cause as Error).cause
    ) {
      lines.push(
        style.dim(redact(`    caused by: ${cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)}`)),
      );
    }
    lines.push(style.dim(`    code: ${error.code}`));
  }
  return `${lines.join('\n')}\n`;
}

export interface ProgressDisplay {
  readonly listen: ProgressListener;
  /** Takes the spinner away, before data or an error is printed. */
  stop(): void;
}

/**
 * Shows progress on stderr: a spinner on a terminal; elsewhere one line per finished step, and now and then one of a step
 * that goes on; nothing but warnings with --quiet.
 */
export async function progressDisplay(
  settings: OutputSettings,
  style: Style,
  variables: Readonly<Record<string, string | undefined>>,
): Promise<ProgressDisplay> {
  const interactive =
    Boolean(process.stderr.isTTY) &&
    // A terminal without a size (`script`, a fresh container's): ora would count endless lines to clear.
    process.stderr.columns > 0 &&
    !settings.quiet &&
    !settings.json &&
    !variables.CI &&
    variables.TERM !== 'dumb';
  const line = (text: string) => void process.stderr.write(`${redact(text)}\n`);
  const told = (event: ProgressEvent): string | undefined => {
    switch (event.kind) {
      case 'done':
        return settings.quiet
          ? undefined
          : `${style.green('✓')} ${event.message} ${style.dim(formatDuration(event.durationMs))}`;
      case 'notice':
        return settings.quiet
          ? undefined
          : `${style.blue('ℹ')} ${event.message}${event.hint ? ` ${style.dim(event.hint)}` : ''}`;
      case 'warning':
        return `${style.yellow('!')} ${event.message}${event.hint ? `\n  ${style.cyan('→')} ${event.hint}` : ''}`;
      case 'step':
        return settings.verbose && !settings.quiet && !interactive ? `${style.dim('·')} ${event.message} …` : undefined;
      default:
        return undefined;
    }
  };
  if (!interactive) {
    const lines = new ProgressLines();
    return {
      listen: (event) => {
        const still = lines.lineOf(event);
        const text = told(event) ?? (still === undefined || settings.quiet ? undefined : `${style.dim('·')} ${still}`);
        if (text !== undefined) line(text);
      },
      stop: () => {},
    };
  }
  const { default: ora } = await import('ora');
  // structdb handles Ctrl-C itself, and stdin may be needed for a question
  const spinner = ora({ stream: process.stderr, discardStdin: false, hideCursor: true });
  let message = '';
  let began = 0;
  return {
    listen: (event) => {
      if (event.kind === 'step') {
        message = redact(event.message);
        began = performance.now();
        spinner.start(message);
        return;
      }
      if (event.kind === 'progress') {
        spinner.text = `${message} ${style.dim(describeProgress(event, performance.now() - began))}`;
        return;
      }
      const text = told(event);
      if (text === undefined) return;
      const spinning = spinner.isSpinning && event.kind !== 'done';
      spinner.stop();
      line(text);
      if (spinning) spinner.start(message);
    },
    stop: () => void spinner.stop(),
  };
}

/** The one JSON document of `--json`: always the same keys. */
export function envelope(
  version: string,
  command: string,
  result: unknown,
  error: StructdbError | undefined,
  exitCode: number = error?.exitCode ?? 0,
): string {
  const document = {
    structdb: version,
    command,
    ok: error === undefined,
    exitCode,
    result: result ?? null,
    error:
      error === undefined
        ? null
        : {
            code: error.code,
            message: redact(error.message),
            hint: error.hint === undefined ? null : redact(error.hint),
            ...(error.details.length > 0 ? { details: error.details.map(redact) } : {}),
          },
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}
