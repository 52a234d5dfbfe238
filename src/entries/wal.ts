import path from 'node:path';
import { messageOf, StructdbError } from '../core/errors.ts';
import { readArchiveSettings } from '../repository/archive-settings.ts';
import { openStoreOf } from '../storage/open-store.ts';
import { pushWalFile } from '../wal/push.ts';

/**
 * `wal.mjs push <file>`: PostgreSQL's archive_command, bundled into one file without any package, because every
 * segment starts it anew. It reads `archive.json` beside itself. Exit 0 only when the file is durable, else 1: above 125,
 * or ended by a signal, PostgreSQL would restart its archiver and count no failure (manual, "Setting Up WAL Archiving").
 */
let interrupted = false;
/** How long a push that was told to stop may take to end what it is writing. */
const STOP_GRACE_MS = 3000;

for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
  process.on(signal, () => {
    interrupted = true;
    setTimeout(() => fail(`interrupted by ${signal}`), STOP_GRACE_MS).unref();
  });
}
process.on('uncaughtException', (error) => fail(messageOf(error)));
process.exitCode = 1;

main(process.argv.slice(2)).then(
  () => {
    if (interrupted) fail('interrupted');
    process.exit(0);
  },
  (error: unknown) => {
    const known = error instanceof StructdbError;
    fail(known ? `${error.message}${error.hint ? ` ${error.hint}` : ''}` : messageOf(error));
  },
);

async function main([verb, file]: readonly string[]): Promise<void> {
  if (verb !== 'push' || file === undefined) throw new Error('usage: wal.mjs push <file>');
  const settings = await readArchiveSettings(path.join(import.meta.dirname, 'archive.json'));
  setTimeout(() => fail(`${file} took longer than ${settings.timeoutMs} ms`), settings.timeoutMs).unref();
  const store = await openStoreOf(settings.store, { uid: process.geteuid?.() });
  const { warning } = await pushWalFile({ file: path.resolve(file), store, settings });
  if (warning !== null) process.stderr.write(`structdb wal push: ${warning}\n`);
}

/** One line, which PostgreSQL puts into its log. */
function fail(message: string): never {
  process.stderr.write(`structdb wal push: ${message.replaceAll('\n', ' ')}\n`);
  process.exit(1);
}
