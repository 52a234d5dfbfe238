import path from 'node:path';
import { messageOf, StructdbError } from '../core/errors.ts';
import { steadyExit } from '../core/steady-exit.ts';
import { startDetached, startedBy } from '../programs/process.ts';
import { type ArchiveSettings, readArchiveSettings } from '../repository/archive-settings.ts';
import { openStoreOf } from '../storage/open-store.ts';
import { fetchWalFile } from '../wal/fetch.ts';
import { fetchAhead } from '../wal/prefetch.ts';
import { pushWalFile } from '../wal/push.ts';
import { mayPushAhead, pushAhead } from '../wal/push-ahead.ts';

/**
 * PostgreSQL's archive_command and restore_command, bundled without any package, because every segment starts it anew.
 * It reads `archive.json` beside itself.
 *
 * - `wal.mjs push <file>`: exit 0 only when the file is durable, else 1: above 125, or ended by a signal, PostgreSQL would
 *   restart its archiver and count no failure (manual, "Setting Up WAL Archiving").
 * - `wal.mjs fetch [--absent <code>] <name> <target>`: exit 1 (or that code) only when the store says that the file is not
 *   there, else 200: from 1 to 125 PostgreSQL ends recovery and opens the database.
 * - `wal.mjs push-ahead <pg_wal> <after>`: what push starts when more segments wait.
 * - `wal.mjs prefetch <queue> <after> [<pid> <start>]`: what fetch starts to fetch ahead.
 */
steadyExit();
const [verb, ...words] = process.argv.slice(2);
const FAILED = verb === 'push' ? 1 : 200;
/** How long a call that was told to stop may take to end what it is writing. */
const STOP_GRACE_MS = 3000;
const stop = new AbortController();

for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
  process.on(signal, () => {
    stop.abort();
    setTimeout(() => fail(`interrupted by ${signal}`), STOP_GRACE_MS).unref();
  });
}
process.on('uncaughtException', (error) => fail(messageOf(error)));
process.exitCode = FAILED;

main().then(
  (code) => {
    if (stop.signal.aborted) fail('interrupted');
    process.exit(code);
  },
  (error: unknown) => {
    const known = error instanceof StructdbError;
    fail(known ? `${error.message}${error.hint ? ` ${error.hint}` : ''}` : messageOf(error));
  },
);

async function main(): Promise<number> {
  const settings = await readArchiveSettings(path.join(import.meta.dirname, 'archive.json'));
  if (verb === 'push' && words.length === 1) return push(words[0]!, settings);
  if (verb === 'fetch' && words.length >= 2) return fetch(words, settings);
  if (verb === 'prefetch' && words.length >= 2) return prefetch(words, settings);
  if (verb === 'push-ahead' && words.length === 2) {
    const [walDirectory, after] = words as [string, string];
    await pushAhead({ walDirectory, after, store: await openStore(settings), settings, signal: stop.signal });
    return 0;
  }
  throw new Error('usage: wal.mjs push <file> | fetch [--absent <code>] <name> <target>');
}

async function push(file: string, settings: ArchiveSettings): Promise<number> {
  limitTime(file, settings);
  const pushed = path.resolve(file);
  // Before this one is pushed: it takes as long to start as this takes to push.
  if (await mayPushAhead(pushed, settings)) {
    startDetached(
      process.execPath,
      [process.argv[1]!, 'push-ahead', path.dirname(pushed), path.basename(pushed)],
      process.env,
    );
  }
  const { warning } = await pushWalFile({ file: pushed, store: await openStore(settings), settings });
  if (warning !== null) process.stderr.write(`structdb wal push: ${warning}\n`);
  return 0;
}

async function fetch(args: readonly string[], settings: ArchiveSettings): Promise<number> {
  const [flag, code] = args;
  const absent = flag === '--absent' ? Number(code) : 1;
  const [name, target] = args.slice(flag === '--absent' ? 2 : 0);
  if (name === undefined || target === undefined || !(absent > 0)) throw new Error('fetch needs %f and %p');
  limitTime(name, settings);
  const server = await startedBy();
  const program = process.argv[1]!;
  const { from, endLsn } = await fetchWalFile({
    name,
    target: path.resolve(target),
    store: await openStore(settings),
    settings,
    startPrefetch: (queue, after) => {
      const words = [program, 'prefetch', queue, after, ...(server ? [String(server.pid), server.start] : [])];
      startDetached(process.execPath, words, process.env);
    },
  });
  if (from === 'partial') {
    process.stderr.write(`structdb wal fetch: ${name} is the end of WAL, up to ${endLsn}, as wal receive had it\n`);
  }
  return from === 'absent' ? absent : 0;
}

async function prefetch(args: readonly string[], settings: ArchiveSettings): Promise<number> {
  const [queueDirectory, after, pid, start] = args;
  await fetchAhead({
    queueDirectory: queueDirectory!,
    after: after!,
    store: await openStore(settings),
    settings,
    server: pid && start ? { pid: Number(pid), start } : undefined,
    signal: stop.signal,
  });
  return 0;
}

function openStore(settings: ArchiveSettings) {
  return openStoreOf(settings.store, { uid: process.geteuid?.(), searchPath: process.env.PATH });
}

function limitTime(what: string, { timeoutMs }: ArchiveSettings): void {
  setTimeout(() => fail(`${what} took longer than ${timeoutMs} ms`), timeoutMs).unref();
}

/** One line, which PostgreSQL puts into its log. */
function fail(message: string): never {
  process.stderr.write(`structdb wal ${verb ?? ''}: ${message.replaceAll('\n', ' ')}\n`);
  process.exit(FAILED);
}
