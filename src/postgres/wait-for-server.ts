import { setTimeout as sleep } from 'node:timers/promises';
import type { ConnectionSettings } from '../config/connection.ts';
import { type RunContext, stopIfInterrupted } from '../core/context.ts';
import { StructdbError } from '../core/errors.ts';
import { formatDuration } from '../core/units.ts';
import { connect } from './connect.ts';
import { startingReason } from './errors.ts';
import { profiles } from './profiles.ts';

/** How long `--wait` waits where it is given no duration. Milliseconds. */
export const DEFAULT_SERVER_WAIT_MS = 60_000;

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1000;
/** What an attempt gets that begins shortly before the time is up. */
const SHORTEST_ATTEMPT_MS = 1000;

export interface WaitOptions {
  /** Milliseconds after which it gives up; an attempt under way then may take one second more. */
  readonly timeoutMs: number;
}

/**
 * Connects again and again until the server lets this role into this database, as long as it answers what a starting
 * server does: nothing listens yet, its name is not known yet, it does not answer, it says that it starts (57P03). What
 * it waits for is reported as a notice, once for each reason.
 * @throws CONNECTION_FAILED when the time is up, with the last reason; at once what waiting does not help:
 * AUTHENTICATION_FAILED, DATABASE_MISSING, refusals of TLS; INTERRUPTED
 */
export async function waitForServer(
  connection: ConnectionSettings,
  { timeoutMs }: WaitOptions,
  context: RunContext,
): Promise<void> {
  const { clock, report, signal } = context;
  const started = clock.monotonicMs();
  let told: string | undefined;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 1.5)) {
    stopIfInterrupted(context);
    const leftMs = timeoutMs - (clock.monotonicMs() - started);
    const failure = await tryOnce(connection, Math.max(SHORTEST_ATTEMPT_MS, leftMs), signal);
    if (failure === undefined) return;
    const reason = startingReason(failure);
    if (reason === undefined) throw failure;
    const waitedMs = clock.monotonicMs() - started;
    if (waitedMs >= timeoutMs) throw timeIsUp(connection, waitedMs, reason, failure);
    if (reason !== told)
      report({ kind: 'notice', message: `Waiting for the server at ${placeOf(connection)}: ${reason}` });
    told = reason;
    await sleep(Math.min(pauseMs, timeoutMs - waitedMs), undefined, { signal }).catch(() => {});
  }
}

async function tryOnce(
  connection: ConnectionSettings,
  mostMs: number,
  signal: AbortSignal,
): Promise<StructdbError | undefined> {
  const connectTimeoutMs = Math.ceil(Math.min(connection.connectTimeoutMs, mostMs));
  try {
    const client = await connect({ ...connection, connectTimeoutMs }, profiles.probe, { signal });
    await client.end().catch(() => {});
    return undefined;
  } catch (error) {
    if (error instanceof StructdbError) return error;
    throw error;
  }
}

/** `db.example.org:5432`, `[::1]:5432`, `/run/postgresql/.s.PGSQL.5432` */
function placeOf({ host, port }: ConnectionSettings): string {
  if (host.startsWith('/')) return `${host}/.s.PGSQL.${port}`;
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

function timeIsUp(
  connection: ConnectionSettings,
  waitedMs: number,
  reason: string,
  last: StructdbError,
): StructdbError {
  return new StructdbError(
    'CONNECTION_FAILED',
    `Waited ${formatDuration(waitedMs)} for the server at ${placeOf(connection)} (from ${connection.source}): ${reason}.`,
    {
      cause: last,
      hint:
        connection.source === 'the private server' && last.hint !== undefined
          ? last.hint
          : 'Check that the server starts, and that host and port are right; or give it more time: --wait "5 minutes"',
    },
  );
}
