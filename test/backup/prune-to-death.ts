import { readFileSync } from 'node:fs';
import { pruneBackups } from '../../src/backup/index.ts';
import { configSchema } from '../../src/config/schema.ts';
import { openDirectoryStore } from '../../src/storage/directory-store.ts';
import { testContext } from '../support/context.ts';
import { dieAt, withKillPoints } from '../support/kill-points.ts';

/** Prunes a store and dies at a point: `node prune-to-death.ts <file with the connection> <store> <database> <point>`. */
const [file, location, database, point] = process.argv.slice(2) as [string, string, string, string];
const connection = { ...JSON.parse(readFileSync(file, 'utf8')), database: 'postgres' };
const given = openDirectoryStore({ path: location, uid: process.geteuid?.() });
const { store, context } = withKillPoints(given, testContext(), dieAt(Number(point)));
await pruneBackups(
  {
    connection: { ...connection, database },
    openStore: async () => store,
    policy: configSchema.parse({}).backup,
    actor: { host: 'alpha', user: 'ada', command: 'backup prune' },
  },
  context,
);
process.exit(0);
