import type { Config } from '../config/schema.ts';
import type { RunContext } from '../core/context.ts';
import { messageOf } from '../core/errors.ts';
import { redact } from '../core/redact.ts';
import { runProgram } from './run.ts';

export type Notification = NonNullable<Config['backup']['onSuccess']>;

/** What is told of a scheduled run. Nothing secret: commands and addresses are other people's. */
export interface NotifiedEvent {
  /** `backup` or `drill`. */
  readonly event: string;
  readonly ok: boolean;
  /** Of the backups that were made, or the one that was tried out. */
  readonly labels: readonly string[];
  readonly errorCode: string | null;
  readonly errorMessage: string | null;
  readonly durationMs: number;
  readonly host: string;
}

/** Where a command runs: in the project's folder, with the little of the environment that a shell needs. */
export interface Surroundings {
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly workingDirectory: string;
}

/** A notification that hangs must not keep the next run from coming. */
const LIMIT_MS = 30_000;

/**
 * Tells the outcome of a run by a shell command, an address, or both. Whatever fails in it is a warning and never the
 * run's own failure. Also after an interruption: it has a time limit of its own and does not listen to Ctrl-C.
 */
export async function notify(
  settings: Notification | undefined,
  event: NotifiedEvent,
  from: Surroundings,
  context: Pick<RunContext, 'report'>,
  limitMs: number = LIMIT_MS,
): Promise<void> {
  const attempts: Promise<void>[] = [];
  const name = event.ok ? 'backup.onSuccess' : 'backup.onFailure';
  const warn = (what: string) => (error: unknown) =>
    context.report({ kind: 'warning', message: `${name}.${what} failed: ${redact(reasonOf(error))}` });
  if (settings?.command !== undefined) {
    attempts.push(runCommand(settings.command, event, from, limitMs).catch(warn('command')));
  }
  if (settings?.url !== undefined) attempts.push(callUrl(settings.url, event, limitMs).catch(warn('url')));
  await Promise.all(attempts);
}

/** The outcome as variables of the command: STRUCTDB_EVENT, STRUCTDB_OUTCOME, STRUCTDB_LABEL, … */
function variablesOf(event: NotifiedEvent): Record<string, string> {
  return {
    STRUCTDB_EVENT: event.event,
    STRUCTDB_OUTCOME: event.ok ? 'success' : 'failure',
    STRUCTDB_LABEL: event.labels.join(' '),
    STRUCTDB_ERROR_CODE: event.errorCode ?? '',
    STRUCTDB_ERROR_MESSAGE: redact(event.errorMessage ?? ''),
    STRUCTDB_DURATION_MS: String(Math.round(event.durationMs)),
    STRUCTDB_HOST: event.host,
  };
}

async function runCommand(
  command: string,
  event: NotifiedEvent,
  { variables, workingDirectory }: Surroundings,
  limitMs: number,
): Promise<void> {
  // What a shell needs and no more: the user's environment may hold passwords.
  const inherited: Record<string, string> = {};
  for (const name of ['PATH', 'HOME', 'LANG', 'TZ', 'USER', 'LOGNAME']) {
    const value = variables[name];
    if (value !== undefined) inherited[name] = value;
  }
  await runProgram({ name: 'sh', path: '/bin/sh', version: '', major: 0 }, ['-c', command], {
    env: { ...inherited, ...variablesOf(event) },
    workingDirectory,
    timeoutMs: limitMs,
    doing: 'The command',
  });
}

/** A POST with the outcome as JSON: dead man's switches such as Healthchecks.io take it as a ping. */
async function callUrl(url: string, event: NotifiedEvent, limitMs: number): Promise<void> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...event, errorMessage: event.errorMessage === null ? null : redact(event.errorMessage) }),
    signal: AbortSignal.timeout(limitMs),
  });
  // The body is of no interest, but the connection must not stay open for it.
  await response.body?.cancel();
  if (!response.ok) throw new Error(`${new URL(url).host} answered ${response.status}`);
}

/** What fetch throws says why in its cause only. */
function reasonOf(error: unknown): string {
  const cause = (error as { cause?: { message?: unknown } } | null)?.cause?.message;
  return typeof cause === 'string' ? `${messageOf(error)}: ${cause}` : messageOf(error);
}
