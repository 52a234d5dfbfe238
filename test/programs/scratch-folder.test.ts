import { readdirSync } from 'node:fs';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { findServerPrograms, withScratchCluster } from '../../src/postgres/cluster.ts';
import { structdb } from '../support/cli.ts';
import { testContext } from '../support/context.ts';
import { testEnvironment, testPlaces } from '../support/environment.ts';
import { urlOf, useServer } from '../support/postgres.ts';
import { scratchDirectory } from '../support/scratch.ts';

const server = useServer();

describe('STRUCTDB_SCRATCH', () => {
  it('is where a scratch server is made, and nothing of it stays', async () => {
    const folder = path.join(await scratchDirectory(), 'elsewhere');
    await mkdir(folder);
    await chmod(folder, 0o755);
    // Its role may create no database: what to compare with is made by a server of its own.
    const url = urlOf(await server.createOwnedDatabase());
    const seen = new Set<string>();
    const env = { STRUCTDB_SCRATCH: folder };
    const look = () => readdirSync(folder).forEach((name) => void seen.add(name.replace(/-\d.*/, '')));
    await structdb(['migrate', 'up', '--url', url], { env });
    const looking = setInterval(look, 10);
    const run = await structdb(['migrate', 'verify', '--url', url], { env });
    clearInterval(looking);
    expect([run.exitCode, run.stderr]).toEqual([0, expect.anything()]);
    expect([...seen]).toContain('structdb-verify');
    expect(readdirSync(folder)).toEqual([]);
  });

  it('has to be a folder that may be written, by its whole path', async () => {
    const file = path.join(await scratchDirectory(), 'file');
    await writeFile(file, '');
    for (const [folder, why] of [
      ['not/whole', 'which is no whole path'],
      ['/nowhere/at/all', 'which is no folder'],
      [file, 'which is no folder'],
    ] as const) {
      const run = await structdb(['catalog', 'list'], { env: { STRUCTDB_SCRATCH: folder } });
      expect([folder, run.exitCode, run.stderr]).toEqual([
        folder,
        2,
        expect.stringContaining(`STRUCTDB_SCRATCH names "${folder}", ${why}.`),
      ]);
      expect(run.stderr).toContain('Name a folder that exists');
    }
  });

  const asRoot = process.geteuid?.() === 0 ? it : it.skip;
  asRoot('has to be one that the user of the server may enter', async () => {
    const parent = path.join(await scratchDirectory(), 'closed');
    await mkdir(parent, { mode: 0o700 });
    const programs = await findServerPrograms(testPlaces());
    await expect(
      withScratchCluster({ programs, environment: testEnvironment(), parent }, testContext(), async () => {}),
    ).rejects.toMatchObject({ code: 'TARGET_UNSUITABLE', message: expect.stringContaining('who cannot enter') });
    expect(readdirSync(parent)).toEqual([]);
  });
});
