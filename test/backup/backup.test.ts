import { spawn } from 'node:child_process';
import { existsSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import {
  listStore,
  type RunOptions,
  runBackup,
  runDueBackup,
  showBackup,
  verifyBackups,
} from '../../src/backup/index.ts';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { StructdbError } from '../../src/core/errors.ts';
import { fingerprintTables } from '../../src/database/fingerprint.ts';
import { withProgramEnvironment } from '../../src/programs/credentials.ts';
import { findProgram } from '../../src/programs/find.ts';
import { runProgram } from '../../src/programs/run.ts';
import { findRepositories } from '../../src/repository/repository.ts';
import type { PutIfAbsentOptions, Store } from '../../src/storage/store.ts';
import { keysOf } from '../storage/store-contract.ts';
import { projectRoot, structdb } from '../support/cli.ts';
import { testContext } from '../support/context.ts';
import { testPlaces } from '../support/environment.ts';
import { sql, urlOf, useServer } from '../support/postgres.ts';
import { scratchDirectory } from '../support/scratch.ts';
import { fill, runOptions, withBlockedDump } from './support.ts';

const server = useServer();
const scratch = await scratchDirectory();
let database: ConnectionSettings;

beforeAll(async () => {
  database = await server.createOwnedDatabase();
  await fill(database);
  await sql(database, (client) => client.query(`alter database "${database.database}" set statement_timeout = '30s'`));
});

const fileOf = (options: RunOptions, key: string) => path.join(options.store.location, key);
const keyOf = async (options: RunOptions, name: string) =>
  (await keysOf(options.store, '')).find((key) => key.endsWith(`/${name}`))!;
const leftInStore = async (options: RunOptions) =>
  (await keysOf(options.store, '')).filter((key) => key.includes('/backups/'));

describe('A backup of a plain owner', () => {
  it('holds the rows, the roles and what belongs to the database, and is verified', async () => {
    const options = await runOptions(database, scratch);
    const made = await runBackup(options, testContext());
    expect(made).toMatchObject({ database: database.database, tiers: ['daily'], rows: 2100, tables: 2, removed: [] });
    const { manifest, verification } = await showBackup({ store: options.store, label: made.label });
    expect(manifest).toMatchObject({
      kind: 'dump',
      database: {
        owner: database.user,
        encoding: 'UTF8',
        settings: [{ role: null, name: 'statement_timeout', value: '30s' }],
      },
      globals: { included: true, passwords: false },
      tables: [
        { schema: 'public', name: 'accounts', rows: 100 },
        { schema: 'public', name: 'noise', rows: 2000 },
      ],
      sequences: [{ name: 'accounts_id_seq', nextValue: '101', ownedBy: { column: 'id', greatestUsed: '100' } }],
    });
    expect(verification).toMatchObject({ ok: true, method: 'read' });
    expect(await readFile(fileOf(options, await keyOf(options, 'globals.sql')), 'utf8')).toContain(
      `CREATE ROLE ${database.user};`,
    );
    expect(JSON.stringify(manifest)).not.toContain(database.password!);
    expect(await listStore({ store: options.store })).toMatchObject([{ label: made.label, problem: null }]);
  });

  it('works for a database with an odd name', async () => {
    const role = await server.createRole();
    const odd = await server.createDatabase({ name: `we ird-ß/..%='"x`, owner: role.user });
    const connection = { ...odd, ...role };
    await fill(connection, 10);
    const options = await runOptions(connection, scratch);
    const made = await runBackup(options, testContext());
    expect((await verifyBackups({ ...options, label: made.label }, testContext()))[0]).toMatchObject({ ok: true });
    expect((await showBackup({ store: options.store, label: made.label })).manifest).toMatchObject({
      database: { name: odd.database },
    });
  });

  it('taken under write load restores to exactly the rows that its manifest counted', async () => {
    const options = await runOptions(database, scratch);
    let writing = true;
    const writer = sql(database, async (client) => {
      for (let n = 1; writing; n += 1) {
        await client.query(
          `with gone as (update accounts set balance = balance - 1 where id = $1 returning 1)
          update accounts set balance = balance + (select count(*) from gone) where id = $2`,
          [(n % 50) + 1, (n % 50) + 51],
        );
      }
    });
    const made = await runBackup(options, testContext()).finally(() => {
      writing = false;
    });
    await writer;
    const copy = await server.createDatabase();
    const pgRestore = await findProgram('pg_restore', testPlaces(), { atLeast: 15 });
    const dump = fileOf(options, await keyOf(options, 'dump.pgdump'));
    await withProgramEnvironment(copy, undefined, (env) =>
      runProgram(pgRestore, ['--exit-on-error', '--no-owner', `--dbname=${copy.database}`, dump], {
        env,
        doing: 'Restoring',
      }),
    );
    const restored = await sql(copy, async (client) => {
      await client.query('begin');
      return fingerprintTables(client);
    });
    const { manifest } = await showBackup({ store: options.store, label: made.label });
    expect(manifest).toMatchObject({ tables: restored });
    await sql(copy, (client) => client.query('update accounts set balance = balance + 1 where id = 7'));
    const changed = await sql(copy, async (client) => {
      await client.query('begin');
      return fingerprintTables(client);
    });
    expect(changed.map((table) => table.rows)).toEqual(restored.map((table) => table.rows));
    expect(changed[0]!.contentHash).not.toBe(restored[0]!.contentHash);
    expect(changed[1]).toEqual(restored[1]);
  });
});

describe('When a backup is due', () => {
  it('makes one a day, and another when the next day has begun; after 30 days the first one goes', async () => {
    const options = await runOptions(database, scratch);
    const start = Date.parse('2026-11-24T02:00:00Z');
    const at = (ms: number) => ({
      ...testContext(),
      clock: { now: () => new Date(start + ms), monotonicMs: () => ms },
    });
    const hour = 3_600_000;
    const first = await runDueBackup(options, at(0));
    expect(first.made?.tiers).toEqual(['daily']);
    expect(await runDueBackup(options, at(23 * hour))).toEqual({ made: null, satisfiedBy: first.made!.label });
    const second = await runDueBackup(options, at(24 * hour));
    expect(second.made?.removed).toEqual([]);
    const much = await runDueBackup(options, at(30 * 24 * hour + 1));
    expect(much.made?.removed).toEqual([first.made!.label]);
    expect((await listStore(options)).map(({ label }) => label)).toEqual([second.made!.label, much.made!.label]);
    await expect(runBackup(options, at(0))).rejects.toMatchObject({ code: 'CLOCK_SKEW' });
  });

  it('counts a backup made with --keep-last for no tier, and keeps that many', async () => {
    const options = { ...(await runOptions(database, scratch)), keepLast: 1, purpose: 'quickstart' };
    const first = await runBackup(options, testContext());
    expect(first.tiers).toEqual([]);
    const manual = await runBackup({ ...options, purpose: 'run', keepLast: undefined }, testContext());
    const second = await runBackup(options, testContext());
    expect(second.removed).toEqual([first.label]);
    expect((await listStore(options)).map(({ label }) => label)).toEqual([manual.label, second.label]);
  });
});

describe('Verification', () => {
  const broken = async (damage: (dump: string) => void | Promise<void>) => {
    const options = await runOptions(database, scratch);
    const { label } = await runBackup(options, testContext());
    await damage(fileOf(options, await keyOf(options, 'dump.pgdump')));
    const [result] = await verifyBackups({ ...options, label }, testContext());
    const [listed] = await listStore(options);
    expect(listed?.verification?.ok).toBe(result!.ok);
    return { options, label, result: result! };
  };

  it('names an object that the manifest names and the store lacks', async () => {
    const { result } = await broken((dump) => rmSync(dump));
    expect(result).toMatchObject({
      ok: false,
      problems: [expect.stringMatching(/names dump\.pgdump, but .* is missing/)],
    });
  });

  it('names a dump that was cut', async () => {
    const { result } = await broken((dump) => truncateSync(dump, 1000));
    expect(result.problems).toEqual([
      expect.stringMatching(/dump\.pgdump was truncated: 1000 bytes, the manifest says \d+/),
    ]);
  });

  it('names a dump of which one bit changed, and the command exits 4', async () => {
    const { options, label } = await broken(async (dump) => {
      const file = await open(dump, 'r+');
      const byte = Buffer.alloc(1);
      await file.read(byte, 0, 1, 5000);
      byte[0]! ^= 1;
      await file.write(byte, 0, 1, 5000);
      await file.close();
    });
    const config = path.join(path.dirname(options.store.location), 'structdb.config.ts');
    writeFileSync(config, `export default { stores: { local: { type: 'directory', path: './store' } } };`);
    const run = await structdb(['backup', 'verify', label, '--json'], { cwd: path.dirname(config) });
    expect(run).toMatchObject({ exitCode: 4, json: { ok: false, error: { code: 'BACKUP_CORRUPT' } } });
    expect(run.json.result.backups[0].problems).toEqual([expect.stringMatching(/was altered: its SHA-256/)]);
  });

  it('without a label takes the newest, and tells a cut manifest', async () => {
    const options = await runOptions(database, scratch);
    await runBackup(options, testContext());
    const { label } = await runBackup(options, testContext());
    truncateSync(
      fileOf(options, (await keysOf(options.store, '')).findLast((key) => key.endsWith('manifest.json'))!),
      99,
    );
    expect(await verifyBackups(options, testContext())).toMatchObject([
      { label, ok: false, problems: expect.arrayContaining([expect.stringContaining('not a whole manifest')]) },
    ]);
    await expect(verifyBackups({ ...options, label: 'nothing' }, testContext())).rejects.toMatchObject({
      code: 'BACKUP_MISSING',
    });
  });
});

describe('A backup that cannot be made', () => {
  it('names each table that the role may not read, with the grant, and stores nothing', async () => {
    const owned = await server.createOwnedDatabase();
    await sql({ ...server.superuser, database: owned.database }, (client) =>
      client.query('create table "the secret" (id int)'),
    );
    const options = await runOptions(owned, scratch);
    await expect(runBackup(options, testContext())).rejects.toMatchObject({
      code: 'PERMISSION_DENIED',
      message: expect.stringContaining('public.the secret'),
      hint: expect.stringContaining(`GRANT SELECT ON "public"."the secret" TO "${owned.user}"`),
    });
    expect(await leftInStore(options)).toEqual([]);
  });

  it('answers a full disk with DISK_FULL and leaves nothing behind', async () => {
    const cwd = path.dirname((await runOptions(database, scratch)).store.location);
    writeFileSync(
      path.join(cwd, 'structdb.config.ts'),
      `export default { stores: { local: { type: 'directory', path: './store' } } };`,
    );
    const cli = [path.join(projectRoot, 'bin/structdb.js'), 'backup', 'run', '--json', '--url', urlOf(database)];
    const child = spawn('prlimit', ['--fsize=30000', process.execPath, ...cli], {
      cwd,
      env: { PATH: process.env.PATH, HOME: scratch },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    let stdout = '';
    child.stdout.on('data', (text) => {
      stdout += text;
    });
    const exitCode = await new Promise((resolve) => child.on('close', resolve));
    expect(exitCode).toBe(1);
    expect(JSON.parse(stdout).error).toMatchObject({ code: 'DISK_FULL' });
    const files = readdirSync(path.join(cwd, 'store'), { recursive: true }).map(String);
    expect(files.filter((file) => file.includes('backups'))).toEqual([]);
  });

  it('is refused while another one of the same database runs, which then ends well', async () => {
    const options = await runOptions(database, scratch);
    await withBlockedDump(database, async (reached, unblock) => {
      const first = runBackup(options, testContext());
      await reached();
      await expect(runBackup(options, testContext())).rejects.toMatchObject({
        code: 'LOCKED',
        message: expect.stringContaining('of ada on alpha'),
      });
      await unblock();
      expect((await first).rows).toBe(2100);
    });
  });

  it('ends at Ctrl-C with nothing left in the store, and its lease given back', async () => {
    const options = await runOptions(database, scratch);
    await withBlockedDump(database, async (reached) => {
      const context = testContext();
      const run = runBackup(options, context);
      await reached();
      context.interrupt();
      await expect(run).rejects.toMatchObject({ code: 'INTERRUPTED', exitCode: 130 });
    });
    expect(await leftInStore(options)).toEqual([]);
    await runBackup(options, testContext());
  });

  it.each([
    ['arrives after all', 'is whole', 1],
    ['never arrives', 'is swept by the next run', 0],
  ])('because its manifest was lost on the way and %s, %s', async (_what, _then, arrives) => {
    const options = await runOptions(database, scratch);
    let late = async () => false;
    const losing = withLostManifest(options.store, (put) => {
      late = put;
    });
    await expect(runBackup({ ...options, store: losing }, testContext())).rejects.toMatchObject({
      code: 'STORE_FAILED',
    });
    if (arrives) await late();
    const listed = await listStore(options);
    expect(listed).toHaveLength(arrives);
    for (const { label } of listed) {
      expect(await verifyBackups({ ...options, label }, testContext())).toMatchObject([{ ok: true }]);
    }
    await runBackup(options, testContext());
    const [repository] = await findRepositories(options.store);
    const folders = await options.store.folders(repository!.keys.backups);
    expect(folders).toEqual((await listStore(options)).map(({ label }) => label));
    expect(folders).toHaveLength(arrives + 1);
  });

  it('killed in the middle is not listed, and the next run sweeps what it left', async () => {
    const options = await runOptions(database, scratch);
    const cwd = path.dirname(options.store.location);
    writeFileSync(
      path.join(cwd, 'structdb.config.ts'),
      `export default { stores: { local: { type: 'directory', path: './store' } } };`,
    );
    const labels = () => {
      const names = existsSync(options.store.location) ? readdirSync(options.store.location, { recursive: true }) : [];
      return names.map(String).filter((name) => /-dump-[^/]*$/.test(name) && name.includes('/backups/'));
    };
    await withBlockedDump(database, async (reached) => {
      const args = [path.join(projectRoot, 'bin/structdb.js'), 'backup', 'run', '--url', urlOf(database)];
      const child = spawn(process.execPath, args, { cwd, env: { PATH: process.env.PATH }, stdio: 'ignore' });
      const gone = new Promise((resolve) => child.once('exit', resolve));
      await reached();
      // Counting may wait for the lock before the dump has made its folder.
      for (const deadline = Date.now() + 180_000; labels().length === 0 && Date.now() < deadline; ) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      child.kill('SIGKILL');
      await gone;
    });
    const left = labels();
    expect(left).toHaveLength(1);
    expect(await listStore(options)).toEqual([]);
    const made = await runBackup(options, testContext());
    expect((await listStore(options)).map(({ label }) => label)).toEqual([made.label]);
    const after = readdirSync(path.join(options.store.location, made.label ? left[0]!.split('/')[0]! : '', 'backups'));
    expect(after).toEqual([made.label]);
  });
});

/** A store that fails when the manifest is written; the caller gets what was sent, to let it arrive later. */
function withLostManifest(store: Store, onLost: (put: () => Promise<boolean>) => void): Store {
  return new Proxy(store, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (name !== 'putIfAbsent') return typeof value === 'function' ? value.bind(target) : value;
      return async (key: string, body: Uint8Array, how?: PutIfAbsentOptions) => {
        if (!key.endsWith('/manifest.json')) return target.putIfAbsent(key, body, how);
        onLost(() => target.putIfAbsent(key, body, how));
        throw new StructdbError('STORE_FAILED', 'The answer was lost.');
      };
    },
  });
}
