/** A backup that dies as by kill -9 at a point: node killed.ts <what, as JSON> [name of the point]. */
import { runBackup } from '../../src/backup/index.ts';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { configSchema, type StoreConfig } from '../../src/config/schema.ts';
import { openStoreOf } from '../../src/storage/open-store.ts';
import { testContext } from '../support/context.ts';
import { testPlaces } from '../support/environment.ts';
import { withKillPoints } from '../support/kill-points.ts';

const [given = '', wanted] = process.argv.slice(2);
const what = JSON.parse(given) as {
  connection: ConnectionSettings;
  storeDirectory?: string;
  /** Instead of a directory. */
  settings?: StoreConfig;
  kind: 'dump' | 'base' | 'incremental';
  jobs?: number;
};
const directory = { type: 'directory', path: what.storeDirectory!, groupAccess: false } as const;
const user = { uid: process.geteuid?.(), searchPath: process.env.PATH };
const plain = await openStoreOf(what.settings ?? directory, user);
const { store, context } = withKillPoints(plain, testContext(), (_number, point) => {
  // Numbers and times differ from run to run.
  const name = point.replace(/\d{8}T[\d.]+Z|\d{10}/, '#');
  process.stdout.write(`${name}\n`);
  if (name === wanted) process.kill(process.pid, 'SIGKILL');
});
await runBackup(
  {
    kind: what.kind,
    jobs: what.jobs,
    connection: what.connection,
    store,
    walStore: plain,
    places: testPlaces(),
    policy: configSchema.parse({}).backup,
    actor: { host: 'alpha', user: 'ada', command: 'backup run' },
    purpose: 'run',
  },
  context,
);
