/** A backup of a cluster that dies at a point: node base-killed.ts <what, as JSON> <number of the point, 0 for none>. */
import { runBackup } from '../../src/backup/index.ts';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { configSchema } from '../../src/config/schema.ts';
import { openDirectoryStore } from '../../src/storage/directory-store.ts';
import { testContext } from '../support/context.ts';
import { testPlaces } from '../support/environment.ts';
import { dieAt, withKillPoints } from '../support/kill-points.ts';

const [given = '', point = '0'] = process.argv.slice(2);
const what = JSON.parse(given) as {
  connection: ConnectionSettings;
  storeDirectory: string;
  kind: 'base' | 'incremental';
};
const plain = openDirectoryStore({ path: what.storeDirectory, uid: process.geteuid?.() });
const { store, context } = withKillPoints(plain, testContext(), dieAt(Number(point)));
await runBackup(
  {
    kind: what.kind,
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
