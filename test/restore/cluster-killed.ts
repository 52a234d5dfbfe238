/** A restore that dies at a named point: <store> <target> <old tablespace> <new tablespace> <point>. */
import { performClusterRestore, planClusterRestore } from '../../src/restore/index.ts';
import { openDirectoryStore } from '../../src/storage/directory-store.ts';
import { testContext } from '../support/context.ts';
import { testPlaces } from '../support/environment.ts';
import { withKillPoints } from '../support/kill-points.ts';

const [location, targetDirectory, from, to, point] = process.argv.slice(2) as [string, string, string, string, string];

const watched = withKillPoints(
  openDirectoryStore({ path: location, uid: process.geteuid?.() }),
  testContext(),
  (_number, name) => {
    process.stdout.write(`${name}\n`);
    if (name === point) process.kill(process.pid, 'SIGKILL');
  },
);
const plan = await planClusterRestore(
  {
    store: watched.store,
    walStore: watched.store,
    label: 'latest',
    targetDirectory,
    target: { kind: 'latest' },
    tablespaces: new Map([[from, to]]),
    places: testPlaces(),
  },
  watched.context,
);
await performClusterRestore(plan, watched.context);
