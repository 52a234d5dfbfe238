import { spawn } from 'node:child_process';
import { rmSync, truncateSync } from 'node:fs';
import { open } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { generateIdentity, identityToRecipient } from 'age-encryption';
import { runBackup } from '../../src/backup/index.ts';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { findServerPrograms, withScratchCluster } from '../../src/postgres/cluster.ts';
import { temporaryRoot } from '../../src/programs/own-directory.ts';
import { partialName } from '../../src/restore/bracket.ts';
import { planDumpRestore, type RestoreOptions, restoreDump } from '../../src/restore/index.ts';
import { openSealing } from '../../src/storage/age-sealing.ts';
import { openDirectoryStore } from '../../src/storage/directory-store.ts';
import { runOptions } from '../backup/support.ts';
import { projectRoot, structdb } from '../support/cli.ts';
import { testContext } from '../support/context.ts';
import { embeddedServer } from '../support/embedded.ts';
import { programs, testEnvironment, testPlaces } from '../support/environment.ts';
import { failureOf } from '../support/failure.ts';
import { sql, urlOf, useServer } from '../support/postgres.ts';
import { picture } from '../support/schema.ts';
import { scratchDirectory } from '../support/scratch.ts';
import { restartAsStandby, STANDBY_SETTINGS } from '../support/standby.ts';
import {
  type BackedUp,
  backedUp,
  belongingsOf,
  changeManifest,
  copyOfStore,
  databasesLike,
  dumpWithOneRowChanged,
  replaceDump,
} from './support.ts';

const server = useServer();
const scratch = await scratchDirectory();
let backup: BackedUp;
/** The source's owner with the right to create databases: what a copy of its own is made with. */
let creator: ConnectionSettings;

beforeAll(async () => {
  backup = await backedUp(server, scratch);
  creator = backup.source;
});

let counter = 0;
const newName = () => {
  counter += 1;
  return `restored_${process.pid}_${counter}`;
};

const optionsFor = (connection: ConnectionSettings, database: string): RestoreOptions => ({
  store: backup.store,
  label: backup.label,
  connection,
  database,
  places: testPlaces(),
});

async function allowCreating<T>(work: () => Promise<T>): Promise<T> {
  const { user } = backup.source;
  await sql(server.superuser, (client) => client.query(`alter role "${user}" createdb`));
  try {
    return await work();
  } finally {
    await sql(server.superuser, (client) => client.query(`alter role "${user}" nocreatedb`));
  }
}

/** An empty database of the source's owner. */
const given = () =>
  server.createDatabase({ owner: backup.source.user }).then(({ database }) => ({ ...creator, database }));

describe('A restored database', () => {
  it('that did not exist is the source again: rows, structure, owner, settings, privileges, comment', async () => {
    const database = newName();
    const result = await allowCreating(() => restoreDump(optionsFor(creator, database), testContext()));
    expect(result).toMatchObject({ label: backup.label, database, created: true, leftOut: [] });
    const copy = { ...creator, database };
    expect(await belongingsOf(copy)).toEqual(await belongingsOf(backup.source));
    expect(await picture(copy)).toEqual(await picture(backup.source));
    await sql(copy, async (client) => {
      const { rows } = await client.query(`show statement_timeout`);
      expect(rows).toEqual([{ statement_timeout: '30s' }]);
      await expect(client.query(`delete from project_events`)).rejects.toMatchObject({ code: '23001' });
      const analyzed = await client.query(`select reltuples from pg_class where oid = 'project_events'::regclass`);
      expect(analyzed.rows).toEqual([{ reltuples: 90 }]);
    });
  });

  it('that was given empty is filled by a plain owner, and becomes the source too', async () => {
    const copy = await given();
    const result = await restoreDump(optionsFor(creator, copy.database), testContext());
    expect(result).toMatchObject({ created: false, leftOut: [] });
    expect(await belongingsOf(copy)).toEqual(await belongingsOf(backup.source));
    expect(await picture(copy)).toEqual(await picture(backup.source));
  });

  it('belongs to its former owner when a superuser restores', async () => {
    const { database } = await server.createDatabase();
    await restoreDump(optionsFor(server.superuser, database), testContext());
    expect(await picture({ ...creator, database })).toEqual(await picture(backup.source));
  });

  it('belongs to the restoring role where the former owner is somebody else', async () => {
    const other = await server.createOwnedDatabase();
    const context = testContext();
    await restoreDump(optionsFor(other, other.database), context);
    expect(context.events).toContainEqual(
      expect.objectContaining({ kind: 'warning', message: expect.stringContaining(`was "${backup.source.user}"`) }),
    );
    await sql(other, async (client) => {
      const { rows } = await client.query(
        `select distinct pg_get_userbyid(relowner) as owner from pg_class where relnamespace = 'public'::regnamespace`,
      );
      expect(rows).toEqual([{ owner: other.user }]);
    });
    expect(await belongingsOf(other)).toMatchObject({ owner: other.user, comment: "it's the \\ platform" });
  });

  it('may have an odd name', async () => {
    const { database } = await server.createDatabase({ name: `odd "x" 'y' \\ =ß/${process.pid}` });
    await sql(server.superuser, (client) => client.query(`drop database "${database.replaceAll('"', '""')}"`));
    await restoreDump(optionsFor(server.superuser, database), testContext());
    expect(await belongingsOf({ ...creator, database })).toEqual(await belongingsOf(backup.source));
  });

  it('is there also where a foreign partition is out of reach, without the statistics of that table alone', async () => {
    const source = await server.createDatabase();
    await sql(source, async (client) => {
      await client.query('create extension file_fdw');
      await client.query('create server away foreign data wrapper file_fdw');
      await client.query('create table split (n int) partition by range (n)');
      await client.query('create table split_here partition of split for values from (0) to (10)');
      await client.query(
        `create foreign table split_away partition of split for values from (10) to (20) server away options (filename '/away')`,
      );
      await client.query('create table zoo as select generate_series(1, 5) as n');
    });
    const options = await runOptions(source, scratch);
    const { label } = await runBackup(options, testContext());
    const database = newName();
    const context = testContext();
    await restoreDump({ ...optionsFor(source, database), store: options.store, label }, context);
    expect(context.events.filter(({ kind }) => kind === 'warning')).toMatchObject([
      { message: expect.stringMatching(/no statistics of public\.split: .*"\/away"/) },
    ]);
    await sql({ ...source, database }, async (client) => {
      const { rows } = await client.query(`select reltuples from pg_class where oid = 'zoo'::regclass`);
      expect(rows).toEqual([{ reltuples: 5 }]);
    });
  });

  it('can be on a newer major of another server that knows none of the roles', async () => {
    const eighteen = await embeddedServer(18);
    const result = await restoreDump(optionsFor(eighteen, 'copy'), testContext());
    expect(result).toMatchObject({ created: true });
    expect(result.leftOut).toEqual([
      expect.stringContaining(`"${backup.reader}"`),
      expect.stringContaining(`"${backup.reader}"`),
    ]);
    await sql({ ...eighteen, database: 'copy' }, async (client) => {
      const { rows } = await client.query(`select count(*)::int as projects from projects`);
      expect(rows).toEqual([{ projects: 30 }]);
    });
  });
});

describe('A restore refuses, before it touches anything,', () => {
  it('a database that holds something, and names what', async () => {
    const full = await given();
    await sql(full, (client) => client.query(`create table "my table" (id int)`));
    await expect(restoreDump(optionsFor(creator, full.database), testContext())).rejects.toMatchObject({
      code: 'TARGET_NOT_EMPTY',
      message: expect.stringContaining('table public."my table"'),
    });
    await sql(full, (client) => client.query(`select from "my table"`));
    expect((await belongingsOf(full)) as object).toMatchObject({ comment: null });
  });

  it('a new database without CREATEDB, naming the grant and the other way', async () => {
    await expect(restoreDump(optionsFor(creator, newName()), testContext())).rejects.toMatchObject({
      code: 'PERMISSION_DENIED',
      hint: expect.stringMatching(/ALTER ROLE "role_.*" CREATEDB; or make it empty: createdb --owner=role_/),
    });
  });

  it("somebody else's database, a template, another encoding", async () => {
    const foreign = await server.createDatabase();
    const refused = (database: string, connection: ConnectionSettings) =>
      restoreDump(optionsFor(connection, database), testContext());
    await expect(refused(foreign.database, creator)).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
    await expect(refused('template1', server.superuser)).rejects.toMatchObject({ code: 'TARGET_UNSUITABLE' });
    await sql(server.superuser, async (client) => {
      await client.query(`drop database "${foreign.database}"`);
      await client.query(`create database "${foreign.database}" encoding latin1 locale 'C' template template0`);
    });
    await expect(refused(foreign.database, server.superuser)).rejects.toMatchObject({
      code: 'TARGET_UNSUITABLE',
      message: expect.stringContaining('has encoding LATIN1; the dump was made from UTF8'),
    });
  });

  it('a server, role or database that is read-only, saying how it may be written again', async () => {
    const set = (text: string) => sql(server.superuser, (client) => client.query(text));
    const { database } = await given();
    const role = `alter role "${creator.user}"`;
    await allowCreating(async () => {
      for (const [alter, names] of [
        [role, [newName(), database]],
        [`alter database "${creator.database}"`, [newName()]],
        [`alter database "${database}"`, [database]],
      ] as const) {
        await set(`${alter} set default_transaction_read_only = on`);
        const refusals = [];
        for (const name of names) {
          refusals.push(await failureOf(planDumpRestore(optionsFor(creator, name), testContext())));
        }
        await set(`${alter} reset default_transaction_read_only`);
        for (const error of refusals) {
          expect(error).toMatchObject({ code: 'SERVER_READ_ONLY', exitCode: 1, details: [] });
          expect(error.message).toMatch(/ is read-only: default_transaction_read_only is on\.$/);
          expect(error.hint!.toLowerCase()).toContain(alter);
        }
      }
      // A full one is told as full: nobody should make it writable for this.
      const full = await given();
      await sql(full, (client) => client.query('create table kept ()'));
      await set(`alter database "${full.database}" set default_transaction_read_only = on`);
      const refused = await failureOf(planDumpRestore(optionsFor(creator, full.database), testContext()));
      expect(refused).toMatchObject({ code: 'TARGET_NOT_EMPTY' });
      // Where CREATE DATABASE would be sent from is of no concern to a database that is there.
      await set(`alter database "${creator.database}" set default_transaction_read_only = on`);
      const plan = planDumpRestore(optionsFor(creator, database), testContext());
      await plan.finally(() => set(`alter database "${creator.database}" reset default_transaction_read_only`));
    });
  });

  it('a standby', async () => {
    const context = testContext();
    const found = await findServerPrograms(testPlaces());
    const cluster = { programs: found, environment: testEnvironment(), settings: STANDBY_SETTINGS };
    await withScratchCluster(cluster, context, async (standby) => {
      await restartAsStandby(standby, found, context);
      for (const database of [newName(), standby.connection.database]) {
        const error = await failureOf(planDumpRestore(optionsFor(standby.connection, database), context));
        expect(error).toMatchObject({ code: 'SERVER_READ_ONLY', hint: 'Give the address of the primary (--url).' });
        expect(error.message).toMatch(/ is a standby: it takes no writes\.$/);
      }
    });
  });

  it('a backup of a newer server, and tools that are older than the dump', async () => {
    const copy = await copyOfStore(backup, scratch);
    const { database } = await given();
    const restore = (directories: readonly string[] = []) =>
      restoreDump(
        { ...optionsFor(creator, database), store: copy.store, places: testPlaces(directories) },
        testContext(),
      );
    await changeManifest(copy, (manifest) => Object.assign(manifest.server, { major: 18, version: '18.4' }));
    await expect(restore()).rejects.toMatchObject({
      code: 'TARGET_UNSUITABLE',
      message: expect.stringMatching(/made from PostgreSQL 18\.4; this server is 15\./),
    });
    await changeManifest(copy, (manifest) => Object.assign(manifest.tools, { pgDump: '19.1' }));
    // Only the tools of 15, whatever else this machine has.
    const places = {
      directories: [],
      environment: testEnvironment({ STRUCTDB_PROGRAMS: '/usr/lib/postgresql/15/bin' }),
    };
    const options = { ...optionsFor(creator, database), store: copy.store, places };
    await expect(restoreDump(options, testContext())).rejects.toMatchObject({
      code: 'PROGRAM_TOO_OLD',
      message: expect.stringMatching(/pg_restore 19 or newer is needed; installed: 15\./),
    });
  });

  it('an encrypted dump whose identity file is not there or cannot be read, naming the file', async () => {
    const recipients = [await identityToRecipient(await generateIdentity())];
    const location = path.join(scratch, 'sealed');
    const sealedStore = async (identityFile?: string) =>
      openDirectoryStore({
        path: location,
        uid: process.geteuid?.(),
        sealing: await openSealing({ recipients, identityFile, useProgram: false }),
      });
    const { label } = await runBackup({ ...backup.options, store: await sealedStore() }, testContext());
    for (const [identityFile, why] of [
      [undefined, 'no identity was given.'],
      [path.join(scratch, 'nowhere'), `there is no identity file ${scratch}/nowhere.`],
      [scratch, `the identity file ${scratch} cannot be read: .*EISDIR.*`],
    ] as const) {
      const options = { ...optionsFor(creator, newName()), store: await sealedStore(identityFile), label };
      await expect(planDumpRestore(options, testContext())).rejects.toMatchObject({
        code: 'KEY_MISSING',
        message: expect.stringMatching(`^${location} is encrypted, and ${why}$`),
      });
    }
  });

  it('a dump for which there is no room', async () => {
    const copy = await copyOfStore(backup, scratch);
    const sizeBytes = 8 * 1024 ** 4;
    truncateSync(await copy.file('dump.pgdump'), sizeBytes);
    await changeManifest(copy, (manifest) => Object.assign(manifest.parts[0]!, { sizeBytes }));
    const { database } = await given();
    const options = { ...optionsFor(creator, database), store: copy.store };
    await expect(planDumpRestore(options, testContext())).rejects.toMatchObject({
      code: 'DISK_FULL',
      message: expect.stringMatching(new RegExp(`it has 8\\.0 TiB, and ${temporaryRoot()} has .* left`)),
    });
  });

  it('a label that is not there, and suggests the one that was meant', async () => {
    const { database } = await given();
    const restore = (label: string) => restoreDump({ ...optionsFor(creator, database), label }, testContext());
    await expect(restore(backup.label.slice(0, -2))).rejects.toMatchObject({
      code: 'BACKUP_MISSING',
      hint: expect.stringContaining(`Did you mean ${backup.label}?`),
    });
    await expect(restore('nothing')).rejects.toMatchObject({ hint: expect.stringContaining('structdb backup list') });
  });
});

describe('A dry run', () => {
  it('plans the latest backup and creates nothing', async () => {
    const database = newName();
    const run = await allowCreating(() =>
      planDumpRestore({ ...optionsFor(creator, database), label: 'latest' }, testContext()),
    );
    expect(run).toMatchObject({ entry: { label: backup.label }, target: { state: { kind: 'create' } } });
    expect(await databasesLike(server, database)).toEqual([]);
  });
});

describe('A damaged backup is refused with exit code 4 and named, and nothing is left:', () => {
  const refused = async (damage: (copy: Awaited<ReturnType<typeof copyOfStore>>) => unknown) => {
    const copy = await copyOfStore(backup, scratch);
    await damage(copy);
    const target = await given();
    const args = ['restore', backup.label, '--database', target.database, '--url', urlOf(creator), '--json'];
    const run = await structdb(args, { cwd: copy.cwd });
    expect(run).toMatchObject({ exitCode: 4, json: { ok: false, result: null } });
    expect((await belongingsOf(target)) as object).toMatchObject({ comment: null, settings: null });
    await sql(target, async (client) => {
      const { rows } = await client.query(`select relname from pg_class where relnamespace = 'public'::regnamespace`);
      expect(rows).toEqual([]);
    });
    return run.json.error as { code: string; message: string };
  };

  it('a truncated dump', async () => {
    const error = await refused(async (copy) => truncateSync(await copy.file('dump.pgdump'), 999));
    expect(error).toMatchObject({
      code: 'BACKUP_CORRUPT',
      message: expect.stringContaining('dump.pgdump has 999 bytes'),
    });
  });

  it('a dump of which one bit changed', async () => {
    const error = await refused(async (copy) => {
      const file = await open(await copy.file('dump.pgdump'), 'r+');
      const byte = Buffer.alloc(1);
      await file.read(byte, 0, 1, 9000);
      byte[0]! ^= 1;
      await file.write(byte, 0, 1, 9000);
      await file.close();
    });
    expect(error).toMatchObject({ code: 'BACKUP_CORRUPT', message: expect.stringContaining('was altered') });
  });

  it('a manifest that names an object which is not there', async () => {
    const error = await refused(async (copy) => rmSync(await copy.file('dump.pgdump')));
    expect(error).toMatchObject({ code: 'BACKUP_CORRUPT', message: expect.stringContaining('dump.pgdump is missing') });
  });

  it('a manifest that was cut', async () => {
    const error = await refused(async (copy) => truncateSync(await copy.file('manifest.json'), 99));
    expect(error.code).toBe('MANIFEST_UNREADABLE');
  });

  it('a dump in which one row is not the one that was backed up, checksums and all', async () => {
    const bytes = await dumpWithOneRowChanged(server, backup, scratch);
    const error = await refused((copy) => replaceDump(copy, bytes));
    expect(error).toMatchObject({
      code: 'CONTENT_DIFFERS',
      message: expect.stringContaining('public.projects: 30 rows expected and found, but their content differs'),
    });
  });
});

describe('A restore that is stopped', () => {
  const STEPS = [
    'restore.plan',
    'restore.fetch',
    'restore.load',
    'restore.check',
    'restore.analyze',
    'restore.settings',
  ];

  it('has these steps, in this order, and marks a given database as long as it is not whole', async () => {
    const context = testContext();
    const target = await given();
    let marked: Promise<unknown> | undefined;
    const report = (event: (typeof context.events)[number]) => {
      context.report(event);
      if (event.kind === 'step' && event.step === 'restore.check') marked = belongingsOf(target);
    };
    await restoreDump(optionsFor(creator, target.database), { ...context, report });
    expect(await marked).toMatchObject({ comment: `structdb: unfinished restore of ${backup.label}` });
    expect(context.events.flatMap((event) => (event.kind === 'step' ? [event.step] : []))).toEqual(STEPS);
  });

  it.each(STEPS)('at %s leaves no database, and a given one as empty as it was', async (step) => {
    for (const target of [newName(), (await given()).database]) {
      const context = testContext();
      const stopping = {
        ...context,
        report: (event: (typeof context.events)[number]) => {
          if (event.kind === 'step' && event.step === step) context.interrupt();
        },
      };
      const run = allowCreating(() => restoreDump(optionsFor(creator, target), stopping));
      await expect(run).rejects.toMatchObject({ code: 'INTERRUPTED', exitCode: 130 });
      if (target.startsWith('restored_')) {
        expect(await databasesLike(server, `^(${target}|${partialName(target)})$`)).toEqual([]);
      } else {
        expect(await belongingsOf({ ...creator, database: target })).toMatchObject({ comment: null, settings: null });
        const again = await planDumpRestore(optionsFor(creator, target), testContext());
        expect(again.target.state.kind).toBe('empty');
      }
    }
  });

  it('while it puts back a setting does not go on without it', async () => {
    const target = await given();
    const context = testContext();
    let side: Promise<void> | undefined;
    const holdSettings = () =>
      sql(target, async (client) => {
        await client.query('begin');
        await client.query(`alter database "${target.database}" set work_mem = '5MB'`);
        for (let waiting = false; !waiting; ) {
          const { rows } = await client.query(`select from pg_locks where not granted and locktype = 'transactionid'`);
          waiting = rows.length > 0;
        }
        context.interrupt();
        await run.catch(() => {});
        await client.query('rollback');
      });
    const report = (event: (typeof context.events)[number]) => {
      if (event.kind === 'step' && event.step === 'restore.check') side = holdSettings();
    };
    const run: Promise<unknown> = restoreDump(optionsFor(creator, target.database), { ...context, report });
    await expect(run).rejects.toMatchObject({ code: 'INTERRUPTED' });
    await side;
    expect((await planDumpRestore(optionsFor(creator, target.database), testContext())).target.state.kind).toBe(
      'empty',
    );
  });

  it('by kill -9 leaves no database of that name, and the next one removes what is left', async () => {
    const database = newName();
    const { cwd } = await copyOfStore(backup, scratch);
    // As a kill in the middle of the load leaves it, whatever this one leaves.
    const left = await server.createDatabase({ name: partialName(database), owner: creator.user });
    await sql(left, (client) => client.query('create table projects (half int)'));
    await allowCreating(async () => {
      const args = ['restore', backup.label, '--database', database, '--url', urlOf(creator)];
      await new Promise<void>((resolve) => {
        const child = spawn(process.execPath, [path.join(projectRoot, 'bin/structdb.js'), ...args], {
          cwd,
          env: { PATH: process.env.PATH, ...programs },
          stdio: ['ignore', 'ignore', 'pipe'],
        });
        child.stderr.on('data', (text) => /Fetching/.test(String(text)) && child.kill('SIGKILL'));
        child.on('exit', () => resolve());
      });
      expect(await databasesLike(server, `^${database}$`)).toEqual([]);
      await restoreDump(optionsFor(creator, database), testContext());
    });
    expect(await databasesLike(server, `^(${database}|${partialName(database)})$`)).toEqual([database]);
  });

  it('by kill -9 whose pg_restore is still at work on the server does not stand in the way of the next one', async () => {
    const target = await given();
    await sql(target, async (orphan) => {
      await orphan.query(`set application_name = 'structdb restore'; begin; create schema structdb`);
      await restoreDump(optionsFor(creator, target.database), testContext());
    });
    expect(await belongingsOf(target)).toEqual(await belongingsOf(backup.source));
  });

  it('by kill -9 after its rows were in is finished by the next one, unless somebody changed them', async () => {
    const target = await given();
    await restoreDump(optionsFor(creator, target.database), testContext());
    const asKilled = async () =>
      sql(target, async (client) => {
        await client.query(`alter database "${target.database}" reset all`);
        await client.query(
          `comment on database "${target.database}" is 'structdb: unfinished restore of ${backup.label}'`,
        );
      });
    await asKilled();
    await restoreDump(optionsFor(creator, target.database), testContext());
    expect(await belongingsOf(target)).toEqual(await belongingsOf(backup.source));
    await asKilled();
    await sql(target, (client) => client.query(`update projects set name = 'mine' where name = 'Project 3'`));
    await expect(restoreDump(optionsFor(creator, target.database), testContext())).rejects.toMatchObject({
      code: 'CONTENT_DIFFERS',
    });
    await sql(target, async (client) => {
      const { rows } = await client.query(`select count(*)::int as kept from projects where name = 'mine'`);
      expect(rows).toEqual([{ kept: 1 }]);
    });
  });
});

it('A second restore into the same name is refused while the first one works', async () => {
  await allowCreating(async () => {
    for (const database of [newName(), (await given()).database]) {
      const context = testContext();
      let second: Promise<unknown> | undefined;
      const report = (event: (typeof context.events)[number]) => {
        if (event.kind === 'step' && event.step === 'restore.load') {
          second = restoreDump(optionsFor(creator, database), testContext()).catch((error: unknown) => error);
        }
      };
      await restoreDump(optionsFor(creator, database), { ...context, report });
      expect(await second).toMatchObject({
        code: expect.stringMatching(/^(LOCKED|TARGET_NOT_EMPTY)$/),
      });
    }
  });
});

it('Of two restores into the same new name that begin together, one wins', async () => {
  const database = newName();
  const runs = await allowCreating(() =>
    Promise.allSettled([1, 2].map(() => restoreDump(optionsFor(creator, database), testContext()))),
  );
  const lost = runs.find(({ status }) => status === 'rejected') as PromiseRejectedResult;
  expect(runs.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  expect(lost.reason).toMatchObject({ code: 'LOCKED', exitCode: 5, message: expect.stringContaining(creator.user) });
  expect(await databasesLike(server, `^(${database}|${partialName(database)})$`)).toEqual([database]);
});

describe('structdb restore', () => {
  it('restores for a plain owner, shows its plan with --dry-run, and prints no password', async () => {
    const { cwd } = await copyOfStore(backup, scratch);
    const target = await given();
    const args = ['restore', 'latest', '--database', target.database, '--url', urlOf(creator)];
    const dry = await structdb([...args, '--dry-run'], { cwd });
    expect(dry).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('Nothing was done.') });
    expect(dry.stdout).toContain('statement_timeout = 30s');
    const run = await structdb([...args, '--json'], { cwd });
    expect(run).toMatchObject({
      exitCode: 0,
      json: { command: 'restore', result: { label: backup.label, created: false, leftOut: [] } },
    });
    expect(await belongingsOf(target)).toEqual(await belongingsOf(backup.source));
    const again = await structdb(args, { cwd });
    expect(again).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('is not empty: table ') });
    for (const { stdout, stderr } of [dry, run, again]) expect(stdout + stderr).not.toContain(creator.password);
  });

  it('answers a full disk with DISK_FULL, and leaves no database', async () => {
    const { cwd } = await copyOfStore(backup, scratch);
    const database = newName();
    const cli = [path.join(projectRoot, 'bin/structdb.js'), 'restore', backup.label, '--database', database, '--json'];
    const child = spawn('prlimit', ['--fsize=30000', process.execPath, ...cli, '--url', urlOf(server.superuser)], {
      cwd,
      env: { PATH: process.env.PATH, HOME: scratch },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    let stdout = '';
    child.stdout.on('data', (text) => {
      stdout += text;
    });
    expect(await new Promise((resolve) => child.on('close', resolve))).toBe(1);
    expect(JSON.parse(stdout).error).toMatchObject({ code: 'DISK_FULL' });
    expect(await databasesLike(server, `^(${database}|${partialName(database)})$`)).toEqual([]);
  });

  it('wants a target', async () => {
    expect(await structdb(['restore', 'latest'])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('--database'),
    });
  });
});
