import { fileURLToPath } from 'node:url';
import { expect, it } from '@jest/globals';
import { listStore, runBackup, verifyBackups } from '../../src/backup/index.ts';
import { fill, runOptions } from '../backup/support.ts';
import { keysOf } from '../storage/store-contract.ts';
import { testContext } from '../support/context.ts';
import { runToDeath } from '../support/kill-points.ts';
import { useServer } from '../support/postgres.ts';
import { scratchDirectory } from '../support/scratch.ts';

const server = useServer();
const scratch = await scratchDirectory();

it.each([1, 3])(
  'a dump by %s connections that is killed at any point leaves nothing listed that is broken',
  async (jobs) => {
    const connection = await server.createOwnedDatabase();
    await fill(connection);
    const options = { ...(await runOptions(connection, scratch)), jobs };
    const script = fileURLToPath(new URL('../backup/killed.ts', import.meta.url));
    const into = (storeDirectory: string) => JSON.stringify({ connection, storeDirectory, kind: 'dump', jobs });
    const what = into(options.store.location);
    const intoEmpty = async () => into((await runOptions(connection, scratch)).store.location);
    const { points, exitCode, stderr } = await runToDeath(script, [what]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    const labels = async () => (await listStore(options)).map(({ label }) => label);
    let listed = await labels();
    for (const point of new Set(points)) {
      const isFirst = point.endsWith(' repository.json');
      // A repository is made once: by a run into an empty store.
      const died = await runToDeath(script, [isFirst ? await intoEmpty() : what, point]);
      expect([died.killed, died.points.at(-1)]).toEqual([true, point]);
      const now = await labels();
      for (const label of now.filter((each) => !listed.includes(each))) {
        expect(await verifyBackups({ ...options, label, deep: true }, testContext())).toMatchObject([{ ok: true }]);
      }
      listed = now;
    }
    const made = await runBackup(options, testContext());
    const folders = (await keysOf(options.store, '')).flatMap((key) => /\/backups\/([^/]+)\//.exec(key)?.[1] ?? []);
    expect([...new Set(folders)].sort()).toEqual([...listed, made.label].sort());
  },
  240_000,
);
