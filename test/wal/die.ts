/**
 * Pushes a file or receives WAL, and dies as kill -9 does at the first point whose name fits. A process of its own, for
 * the tests: node die.ts <name> push <file> <archive.json> | receive <connection> <archive.json> <spool>
 */
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { readArchiveSettings } from '../../src/repository/archive-settings.ts';
import { openStoreOf } from '../../src/storage/open-store.ts';
import { pushWalFile, receiveWal } from '../../src/wal/index.ts';
import { testEnvironment } from '../support/environment.ts';
import { withKillPoints } from '../support/kill-points.ts';

const [wanted, verb, what, archive, spool] = process.argv.slice(2) as [string, string, string, string, string?];
const settings = await readArchiveSettings(archive);
const environment = testEnvironment();
const { store, context } = withKillPoints(
  await openStoreOf(settings.store, { uid: environment.uid }),
  {
    clock: { now: () => new Date(), monotonicMs: () => performance.now() },
    report: () => {},
    signal: new AbortController().signal,
  },
  (_number, name) => {
    process.stdout.write(`${name}\n`);
    if (new RegExp(wanted).test(name)) process.kill(process.pid, 'SIGKILL');
  },
);
if (verb === 'push') await pushWalFile({ file: what, store, settings });
else {
  const connection = JSON.parse(what) as ConnectionSettings;
  await receiveWal(
    {
      connection,
      store,
      places: { environment, directories: [] },
      actor: { host: 'test', user: 'test', command: 'wal receive' },
      slot: 'structdb',
      spoolDirectory: spool,
      heartbeat: false,
    },
    context,
  );
}
