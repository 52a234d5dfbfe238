import { redact } from '../core/redact.ts';

/** What pg_stat_activity shows of a session. A plain role sees less of the sessions of others: that is null. */
export interface SessionActivity {
  /** 0 for a prepared transaction, which has no session. */
  readonly pid: number;
  readonly application: string | null;
  readonly role: string | null;
  readonly state: string | null;
  readonly connectedSince: Date | null;
  readonly transactionSince: Date | null;
  readonly stateSince: Date | null;
  /** The running statement, or the last one. */
  readonly statement: string | null;
}

/** The columns of SessionActivity from `pg_stat_activity a`; the pid is the caller's. */
export const ACTIVITY_COLUMNS = `nullif(a.application_name, '') as application, a.usename::text as role, a.state,
    a.backend_start as "connectedSince", a.xact_start as "transactionSince", a.state_change as "stateSince",
    case when a.state is not null then nullif(a.query, '') end as statement`;

const LONGEST_STATEMENT = 120;

/** `pid 4711, application "psql", role "ann", in a transaction since 2026-11-25T07:11:48.120Z, idle in transaction …`. */
export function describeActivity(activity: SessionActivity): string {
  if (activity.pid === 0) return 'a prepared transaction (see pg_prepared_xacts)';
  const { pid, application, role, state, connectedSince, transactionSince, stateSince, statement } = activity;
  const since = (what: string, time: Date | null) => time && `${what} since ${time.toISOString()}`;
  return [
    `pid ${pid}`,
    application && `application "${application}"`,
    role && `role "${role}"`,
    since('connected', connectedSince),
    since('in a transaction', transactionSince),
    state && since(state, stateSince),
    statement && `${state === 'active' ? 'its statement' : 'its last statement'}: ${shorten(redact(statement))}`,
  ]
    .filter(Boolean)
    .join(', ');
}

function shorten(statement: string): string {
  const line = statement.replace(/\s+/g, ' ').trim();
  return line.length > LONGEST_STATEMENT ? `${line.slice(0, LONGEST_STATEMENT - 1)}…` : line;
}
