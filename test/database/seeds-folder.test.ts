import { execFile } from 'node:child_process';
import { existsSync, symlinkSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { fingerprintTables } from '../../src/database/fingerprint.ts';
import { loadSample } from '../../src/database/load-sample.ts';
import { defaultSample } from '../../src/sample/index.ts';
import { copyCheckout } from '../support/checkout.ts';
import { projectRoot } from '../support/cli.ts';
import { testContext } from '../support/context.ts';
import { sql, urlOf, useServer } from '../support/postgres.ts';
import { countProjects } from '../support/rows.ts';
import { migrateUp } from '../support/schema.ts';
import { scratchDirectory } from '../support/scratch.ts';

const server = useServer();
const scratch = await scratchDirectory();

/** What git clones, with the packages installed and nothing built. */
async function freshClone(): Promise<string> {
  const clone = path.join(scratch, 'clone');
  await mkdir(clone);
  await copyCheckout(clone);
  symlinkSync(path.join(projectRoot, 'node_modules'), path.join(clone, 'node_modules'));
  return clone;
}

async function kyselySeedRun(cwd: string, connection: ConnectionSettings): Promise<string> {
  const bin = path.join(projectRoot, 'node_modules/kysely-ctl/dist/bin.mjs');
  const { stdout } = await promisify(execFile)(process.execPath, [bin, 'seed', 'run', '--no-outdated-check'], {
    cwd,
    env: { PATH: process.env.PATH, HOME: scratch, NO_COLOR: '1', CI: '1', DATABASE_URL: urlOf(connection) },
  });
  return stdout;
}

/** What the project tables hold; structdb's own books hold times. */
async function projectRows(connection: ConnectionSettings) {
  return sql(connection, async (client) => {
    await client.query('begin');
    const tables = await fingerprintTables(client);
    return tables.filter(({ name }) => name.startsWith('project'));
  });
}

describe('kysely seed run', () => {
  it('in a fresh clone loads the very rows that structdb loads, once, and only what is missing', async () => {
    const clone = await freshClone();
    expect(existsSync(path.join(clone, 'dist'))).toBe(false);
    const [theirs, ours] = [await server.createOwnedDatabase(), await server.createOwnedDatabase()];
    for (const connection of [theirs, ours]) await migrateUp(connection);
    await loadSample({ connection: theirs, ...defaultSample, projects: 200 }, testContext());
    await loadSample({ connection: ours, ...defaultSample }, testContext());

    expect(await kyselySeedRun(clone, theirs)).toMatch(/1 seed/);

    expect(await sql(theirs, countProjects)).toEqual({ projects: 10_000, payloads: 10_000, events: 30_000 });
    const rows = await projectRows(theirs);
    expect(rows).toHaveLength(3);
    expect(rows).toEqual(await projectRows(ours));

    await kyselySeedRun(clone, theirs);
    expect(await projectRows(theirs)).toEqual(rows);
    expect(await loadSample({ connection: theirs, ...defaultSample }, testContext())).toMatchObject({ projects: 0 });
  });
});
