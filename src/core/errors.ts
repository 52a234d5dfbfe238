/**
 * The one error type of structdb and the registry of its codes.
 *
 * A `code` is stable: scripts may test for it. Each code has one exit code; docs/errors.md lists them all (a test
 * keeps the page equal to this registry). Errors are thrown where the fact is known and printed once, by the command line.
 */

/** Exit codes of the program, as documented in docs/exit-codes.md. */
export const EXIT = Object.freeze({
  ok: 0,
  failed: 1,
  usage: 2,
  workToDo: 3,
  brokenPromise: 4,
  locked: 5,
  inconclusive: 6,
  /** Of `wal fetch` alone: above 125, so that PostgreSQL stops instead of opening the database. */
  notFetched: 200,
  interrupted: 130,
});

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

interface CodeEntry {
  readonly exit: ExitCode;
  readonly meaning: string;
}

const failed = (meaning: string): CodeEntry => ({ exit: EXIT.failed, meaning });
const usage = (meaning: string): CodeEntry => ({ exit: EXIT.usage, meaning });
const workToDo = (meaning: string): CodeEntry => ({ exit: EXIT.workToDo, meaning });
const broken = (meaning: string): CodeEntry => ({ exit: EXIT.brokenPromise, meaning });
const locked = (meaning: string): CodeEntry => ({ exit: EXIT.locked, meaning });

/** Every code structdb can report. Add here first; keep each group alphabetical. */
export const ERROR_CODES = Object.freeze({
  // shared
  CONFIG_INVALID: usage('the configuration file has problems; all of them are listed'),
  CONFIRMATION_NEEDED: usage('a destructive command was run without a terminal and without --yes'),
  INTERNAL: failed('a defect of structdb itself'),
  INTERRUPTED: { exit: EXIT.interrupted, meaning: 'stopped by Ctrl-C or SIGTERM after cleaning up' } as CodeEntry,
  USAGE: usage('a wrong flag, argument or combination'),
  // connection and server
  CONNECTION_FAILED: failed('the server cannot be reached'),
  CONNECTION_LOST: failed('the server closed the connection while structdb was working'),
  AUTHENTICATION_FAILED: failed('the server refused the user or the password'),
  DATABASE_MISSING: failed('the database does not exist'),
  NO_CONNECTION: usage('no connection was given and no private server runs'),
  PERMISSION_DENIED: failed('the role lacks a privilege; the hint names the grant'),
  POOLED_CONNECTION: failed('the address is that of a pooler that does not keep one session for a run'),
  SERVER_READ_ONLY: failed('the server or database takes no writes: a standby, or set read-only'),
  SERVER_TOO_OLD: failed('the server is older than PostgreSQL 15'),
  SERVER_UNSUITABLE: failed('a setting of the server stands in the way; the hint names the statement that changes it'),
  SQL_FAILED: failed('the server refused a statement'),
  // programs and packages
  PACKAGE_MISSING: failed('an optional npm package is not installed'),
  PROGRAM_FAILED: failed('a program that structdb started failed'),
  PROGRAM_MISSING: failed('a program of PostgreSQL was not found'),
  PROGRAM_TOO_OLD: failed('the installed PostgreSQL tools are older than the server'),
  // files
  DISK_FULL: failed('no space is left on the device'),
  FILE_MISSING: failed('a file does not exist'),
  FILE_UNREADABLE: failed('a file cannot be read or written'),
  // private server
  DATA_DIRECTORY_OWNER: failed('the data directory belongs to somebody else'),
  PORT_TAKEN: failed('the port is in use'),
  PRIVATE_SERVER_COPIED: failed(
    'the private server was copied together with its checkout, and the original is still there',
  ),
  SERVER_NOT_RUNNING: failed('the private server does not run'),
  SERVER_START_FAILED: failed('the server did not start'),
  // catalogs
  CATALOG_BAD_ROWS: failed('a catalog file has bad rows; nothing was imported'),
  CATALOG_DIFFERS: broken('the database holds other values than a catalog file; each is named'),
  CATALOG_NOT_FOUND: failed('no catalog row has this designation'),
  CATALOG_UNKNOWN: failed('a file fits no catalog format, or its edition or unit system is not certain'),
  CATALOG_UNREADABLE: failed('a catalog file is not readable as a table of text'),
  CATALOG_VERSION_CONFLICT: failed('a version of a constant or price is there with another content, or dates overlap'),
  FILTER_INVALID: usage('a search filter cannot be read; the place is shown'),
  SCHEMA_MISSING: failed('the database has no structdb schema, or an older one; migrate first'),
  // migrations and the database
  BASELINE_RECORDED: failed('structdb has migrations on record already; there is nothing to adopt'),
  DATABASES_FAILED: failed('databases of a list failed, each for its own reason; each is named'),
  LINT_FAILED: broken('lint found errors in the migrations; each is named with what to do'),
  MIGRATION_CHANGED: broken('a migration was edited after it was applied, its file is missing, or it was skipped'),
  MIGRATION_FILES_INVALID: usage(
    'the folder of migrations is missing or empty, files in it cannot be used, or a new one cannot be numbered; each problem is named',
  ),
  MIGRATION_FAILED: failed('a migration failed; the message says what of it stays'),
  MIGRATION_IRREVERSIBLE: failed('a migration has no way back; nothing was undone'),
  MIGRATION_ORDER: failed('the database has a later migration without an earlier one'),
  MIGRATION_UNKNOWN: failed('the database has a migration that this structdb does not know'),
  MIGRATIONS_PENDING: workToDo('migrations wait to be applied'),
  SCHEMA_DIFFERS: broken('the schema is not what the migrations make; each difference is named'),
  TYPES_STALE: broken('the generated types are not those of the database'),
  PAYLOAD_NOT_JSON: failed('a payload holds what JSON cannot say exactly'),
  VERSION_CONFLICT: failed('somebody else changed the project first'),
  // WAL archive
  WAL_CORRUPT: broken('an archived WAL file is not what was stored'),
  WAL_MISSING: failed('WAL that is needed is not in the archive; the first missing segment is named'),
  ARCHIVE_UNCONFIGURED: failed('there is no archive.json, or it cannot be understood'),
  WAL_HOLE: broken('the archive lacks a WAL segment although later ones are there; what can still be reached is named'),
  WAL_BEHIND: workToDo('archiving fails, or WAL waits to be archived or received'),
  WAL_CONFLICT: failed('the archive holds another content under the name of this WAL file; it is never overwritten'),
  WAL_FETCH_FAILED: {
    exit: EXIT.notFetched,
    meaning: 'a WAL file could not be fetched, and nothing says that it is not there; recovery must not go on',
  } as CodeEntry,
  WAL_FOREIGN: failed('a WAL segment belongs to another cluster, or its segment size differs'),
  WAL_INVALID: failed('a file is not a whole WAL segment, or its name is not a WAL file name'),
  WAL_PUSH_FAILED: failed('a WAL file could not be archived; PostgreSQL keeps it and tries again'),
  // stores, repositories, backups
  BACKUP_CORRUPT: broken('an object of a backup is missing, altered or unreadable; each is named'),
  BACKUP_DUE: workToDo('the current day, week or month has no backup yet'),
  BACKUP_MISSING: failed('there is no such backup'),
  BUCKET_MISSING: failed('the bucket of an S3 store does not exist'),
  CLOCK_SKEW: failed('a clock is wrong: a new backup would not be later than the last one, or S3 refuses the time'),
  LEASE_LOST: failed('another run took over the lease because this one did not renew it in time'),
  MANIFEST_UNREADABLE: broken('a manifest cannot be understood, or a newer structdb wrote it'),
  OBJECT_CORRUPT: broken('an encrypted object was altered: it cannot be decrypted'),
  OBJECT_MISSING: failed('an object is not in the store'),
  SOURCE_CORRUPT: failed('the server found damaged pages while it was copied; no backup was made'),
  REPOSITORY_MISMATCH: failed('the repository belongs to another cluster, or a newer structdb wrote it'),
  STORE_DENIED: failed('the store refuses the credentials, or they lack a permission'),
  STORE_FAILED: failed('the store cannot be read or written'),
  STORE_OWNER: failed('the store belongs to another user'),
  KEY_MISSING: failed('an object is encrypted, and no identity was given, or its file is not there or cannot be read'),
  KEY_WRONG: failed('the identity that was given cannot decrypt the object'),
  // restores and drills
  BACKUP_STALE: broken('the newest backup is older than its tier allows'),
  CHECK_FAILED: broken('a restored copy is not what its backup promised; each failed check is named'),
  CONFIDENCE_LOW: broken('the confidence index of a report is lower than --min-confidence asked for'),
  CONTENT_DIFFERS: broken('restored tables hold other rows than the backup recorded'),
  RPO_EXCEEDED: broken('a disaster now would lose more than the objective allows'),
  RPO_UNPROVABLE: broken('--require-rpo was asked of a backup that cannot prove a recovery point'),
  RTO_EXCEEDED: broken('the recovery took longer than the objective allows'),
  SCENARIO_FAILED: broken(
    'a scenario lost acknowledged rows, or was not recovered as promised; each deviation is named',
  ),
  TARGET_NOT_EMPTY: failed('the database or directory to restore into holds something'),
  TARGET_UNREACHABLE: failed('no backup and WAL of the repository reach the instant that was asked for'),
  TARGET_UNSUITABLE: failed('the server, database or directory cannot take this backup; the message says why'),
  // benchmarks
  BENCH_INCONCLUSIVE: {
    exit: EXIT.inconclusive,
    meaning: 'the samples could not decide whether a target is met',
  } as CodeEntry,
  BENCH_QUERY_FAILED: failed('a query of the suite fails; it is named, with what the server says'),
  BENCH_QUERY_WRITES: failed('a query of the suite writes; it is named, and nothing was timed'),
  BENCH_SUITE_INVALID: usage('a suite of queries cannot be used; each problem is named with its file'),
  BENCH_NOT_COMPARABLE: failed(
    'two benchmark runs differ in server, hardware, data or suite, or have no query in common, so that their times say nothing; each difference is named',
  ),
  BENCH_REGRESSION: broken('queries became slower than the baseline, or have another plan; each is named'),
  BENCH_RESULT_UNREADABLE: failed(
    'a file is no benchmark result of this structdb: cut off, altered, foreign or of another version',
  ),
  BENCH_TARGET_MISSED: broken('a benchmark missed a target; each is named'),
  // doctor
  UNHEALTHY: broken('doctor found a problem; each has its fix'),
  // monitoring
  PROMISE_BROKEN: broken('monitor check found promises that do not hold; each is named with what mends it'),
  WEB_CONFIG_INVALID: usage('the web configuration of monitor serve has problems; all of them are listed'),
  // locks
  LOCKED: locked('somebody else holds the lock; who and since when is named'),
} satisfies Record<string, CodeEntry>);

export type ErrorCode = keyof typeof ERROR_CODES;

export interface StructdbErrorOptions {
  /** The next command or the fix, in one line. */
  readonly hint?: string;
  readonly cause?: unknown;
  /** Further lines for the reader, e.g. each problem of a configuration file. */
  readonly details?: readonly string[];
}

/** What structdb throws: a stable code, one line that says what happened to what, and a hint that says what to do. */
export class StructdbError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly details: readonly string[];
  readonly exitCode: ExitCode;

  constructor(code: ErrorCode, message: string, options: StructdbErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'StructdbError';
    this.code = code;
    this.hint = options.hint;
    this.details = Object.freeze([...(options.details ?? [])]);
    this.exitCode = ERROR_CODES[code].exit;
  }
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** `code` of a system or database error (ENOENT, 42P07), or undefined. */
export function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : undefined;
}
