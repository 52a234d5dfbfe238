import { execFileSync } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { type RunOptions, runBackup, showBackup, verifyBackups } from '../../src/backup/index.ts';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { withProgramEnvironment } from '../../src/programs/credentials.ts';
import { findProgram } from '../../src/programs/find.ts';
import type { DumpManifest } from '../../src/repository/manifest.ts';
import { restoreDump } from '../../src/restore/index.ts';
import { structdb } from '../support/cli.ts';
import { testContext } from '../support/context.ts';
import { testPlaces } from '../support/environment.ts';
import { sql, useServer } from '../support/postgres.ts';
import { scratchDirectory } from '../support/scratch.ts';
import { fill, runOptions } from './support.ts';

const server = useServer();
const scratch = await scratchDirectory();
let database: ConnectionSettings;
let options: RunOptions;
let manifest: DumpManifest;
/** In the store: what stock tools take. */
let folder: string;

beforeAll(async () => {
  database = await server.createOwnedDatabase('createdb');
  await fill(database);
  await sql(database, (client) => client.query(`select lo_from_bytea(77, '\\x001122'), lo_from_bytea(78, 'more')`));
  options = { ...(await runOptions(database, scratch)), jobs: 3 };
  const { label } = await runBackup(options, testContext());
  manifest = (await showBackup({ store: options.store, label })).manifest as DumpManifest;
  folder = path.join(options.store.location, manifest.systemIdentifier, 'backups', label);
});

describe('A dump in directory format', () => {
  it('is a folder that pg_restore takes as it is, with several connections', async () => {
    expect(manifest.parts.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['dump/toc.dat', expect.stringMatching(/^dump\/\d+\.dat/), 'globals.sql']),
    );
    expect(manifest.tables).toContainEqual(expect.objectContaining({ name: 'pg_largeobject', rows: 2 }));
    const copy = await server.createDatabase();
    const { path: pgRestore } = await findProgram('pg_restore', testPlaces(), { atLeast: 15 });
    await withProgramEnvironment(copy, undefined, async (env) =>
      execFileSync(pgRestore, ['--jobs=2', '--no-owner', `--dbname=${copy.database}`, path.join(folder, 'dump')], {
        env,
      }),
    );
    const { rows } = await sql(copy, (client) => client.query('select count(*)::int as n, max(t) from noise'));
    expect(rows[0]).toMatchObject({ n: 2000 });
  });

  it('is restored by structdb with every row and large object compared', async () => {
    const target = { store: options.store, label: manifest.label, connection: database, places: testPlaces() };
    const name = `${database.database}_copy`;
    const restored = await restoreDump({ ...target, database: name }, testContext());
    expect(restored).toMatchObject({ created: true, rows: 2102 });
    const { rows } = await sql({ ...database, database: name }, (client) => client.query('select lo_get(77) as bytes'));
    expect(rows[0]).toEqual({ bytes: Buffer.from([0, 0x11, 0x22]) });
  });

  it('is verified to the last row, and a changed file of it is named', async () => {
    const verify = (deep: boolean) => verifyBackups({ ...options, label: manifest.label, deep }, testContext());
    expect(await verify(true)).toMatchObject([{ ok: true, deep: true }]);
    const { name } = manifest.parts.find((part) => part.name.endsWith('.dat.gz'))!;
    appendFileSync(path.join(folder, name), 'x');
    expect((await verify(false))[0]!.problems).toEqual([expect.stringContaining(`${name} was altered`)]);
    const target = { store: options.store, label: manifest.label, connection: database, places: testPlaces() };
    await expect(restoreDump({ ...target, database: 'never' }, testContext())).rejects.toMatchObject({
      code: 'BACKUP_CORRUPT',
      message: expect.stringContaining(name),
    });
  });

  it('is not what --format custom with several jobs can mean', async () => {
    const run = await structdb(['backup', 'run', '--format', 'custom', '--jobs', '2']);
    expect(run).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('--jobs needs --format directory') });
  });
});
