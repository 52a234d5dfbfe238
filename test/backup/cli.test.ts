import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import path from 'node:path';
import { expect, it } from '@jest/globals';
import { openDirectoryStore } from '../../src/storage/directory-store.ts';
import { structdb } from '../support/cli.ts';
import { urlOf, useServer } from '../support/postgres.ts';
import { newProject } from '../support/project.ts';
import { scratchDirectory } from '../support/scratch.ts';
import { ago, ownRepository, plant } from './planted.ts';
import { fill } from './support.ts';

const server = useServer();
const scratch = await scratchDirectory();

it('structdb backup makes what is due, once; list and show need no server', async () => {
  const database = await server.createOwnedDatabase();
  await fill(database, 10);
  const cwd = await mkdtemp(path.join(scratch, 'cli-'));
  writeFileSync(
    path.join(cwd, 'structdb.config.ts'),
    `export default { stores: { local: { type: 'directory', path: './store' } } };`,
  );
  const first = await structdb(['backup', '--url', urlOf(database), '--json'], { cwd });
  expect(first).toMatchObject({
    exitCode: 0,
    json: { command: 'backup', ok: true, result: { made: { rows: 110, tiers: ['daily'] } } },
  });
  const again = await structdb(['backup', '--url', urlOf(database)], { cwd });
  const { label } = first.json.result.made;
  expect(again).toMatchObject({ exitCode: 0, stdout: expect.stringContaining(`Nothing is due: ${label}`) });
  const list = await structdb(['backup', 'list', '--json'], { cwd });
  expect(list.json.result.backups).toMatchObject([{ label, rows: 110, verification: { ok: true } }]);
  const show = await structdb(['backup', 'show', label], { cwd });
  expect(show.stdout).toContain('public.noise  10 rows');
  expect(`${first.stdout}${show.stdout}`).not.toContain(database.password);
  const missing = await structdb(['backup', 'show', 'no-such'], { cwd });
  expect(missing).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('structdb backup list') });
});

it('structdb backup prune says why, asks, and removes; pin keeps; due --check counts for monitoring', async () => {
  const database = await server.createOwnedDatabase();
  const url = urlOf(database);
  const cwd = await newProject(scratch);
  const store = openDirectoryStore({ path: path.join(cwd, 'store'), uid: process.geteuid?.() });
  const repository = await ownRepository(store, database);
  const check = await structdb(['backup', '--check', '--url', url, '--json'], { cwd });
  expect(check).toMatchObject({ exitCode: 3, json: { ok: false, error: { code: 'BACKUP_DUE' } } });
  expect(check.json.result.tasks[0]).toMatchObject({ kind: 'dump', due: ['daily'], made: null });
  const { database: name } = database;
  const old = await plant(repository, { database: name, at: ago(40) });
  const older = await plant(repository, { database: name, at: ago(41) });
  const today = await plant(repository, { database: name, at: ago(0) });
  const pin = await structdb(['backup', 'pin', older, '--reason', 'an audit'], { cwd });
  expect(pin).toMatchObject({ exitCode: 0, stdout: expect.stringContaining(older) });
  const list = await structdb(['backup', 'list', '--json'], { cwd });
  expect(list.json.result.backups[0]).toMatchObject({ label: older, pin: { reason: 'an audit' } });
  const dry = await structdb(['backup', 'prune', '--dry-run', '--url', url], { cwd });
  expect(dry).toMatchObject({ exitCode: 0 });
  expect(dry.stdout).toMatch(new RegExp(`remove +${old} +local +[0-9]+ B +daily ended`));
  expect(dry.stdout).toMatch(new RegExp(`keep +${older} .* pinned`));
  expect(dry.stdout).toMatch(new RegExp(`keep +${today} .* daily until`));
  const unasked = await structdb(['backup', 'prune', '--url', url], { cwd });
  expect(unasked).toMatchObject({ exitCode: 2, stderr: expect.stringContaining(`${old} in local`) });
  const done = await structdb(['backup', 'prune', '--yes', '--url', url, '--json'], { cwd });
  expect(done.json).toMatchObject({ ok: true, result: { dryRun: false, removed: [old] } });
  expect(await structdb(['backup', 'unpin', older], { cwd })).toMatchObject({ exitCode: 0 });
  const wrong = await structdb(['backup', 'pin', 'no-such-label'], { cwd });
  expect(wrong).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('structdb backup list') });
});

it('structdb backup tells onSuccess and onFailure, and a notification that fails is a warning', async () => {
  const database = await server.createOwnedDatabase();
  await fill(database, 10);
  const cwd = await newProject(scratch);
  const configure = (onSuccess: string) =>
    writeFileSync(
      path.join(cwd, 'structdb.config.ts'),
      `export default { stores: { local: { type: 'directory', path: './store' } }, backup: {
         onSuccess: { command: ${JSON.stringify(onSuccess)} },
         onFailure: { command: 'echo "$STRUCTDB_OUTCOME $STRUCTDB_ERROR_CODE" > told' } } };`,
    );
  configure('true');
  const told = () => readFileSync(path.join(cwd, 'told'), 'utf8').trim();
  const gone = await structdb(['backup', '--url', 'postgres://nobody@127.0.0.1:1/none'], { cwd });
  expect(gone.exitCode).toBe(1);
  expect(told()).toBe('failure CONNECTION_FAILED');
  configure('echo "$STRUCTDB_OUTCOME $STRUCTDB_LABEL" > told; exit 3');
  const made = await structdb(['backup', '--url', urlOf(database), '--json'], { cwd });
  expect(made).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('backup.onSuccess.command failed') });
  expect(told()).toBe(`success ${made.json.result.made.label}`);
});
