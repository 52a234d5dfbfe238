import { execFile, execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from '@jest/globals';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { fill } from '../backup/support.ts';
import { type CliResult, program, structdb } from '../support/cli.ts';
import { embeddedServer } from '../support/embedded.ts';
import { sql, urlOf, useServer } from '../support/postgres.ts';
import { newProject } from '../support/project.ts';
import { migrateUp } from '../support/schema.ts';
import { scratchDirectory } from '../support/scratch.ts';

const server = useServer();
const scratch = await scratchDirectory();

const filesIn = (folder: string) => readdirSync(folder, { recursive: true }).map(String);
const backupFiles = (cwd: string) => filesIn(cwd).filter((name) => /\/backups\/./.test(name));

/** One line that says what happened, and one that says what to do; the same on stderr as in the document. */
function expectRefusal(run: CliResult, exitCode: number, code: string, hint: RegExp): void {
  expect(run.exitCode).toBe(exitCode);
  expect(run.json).toMatchObject({ ok: false, exitCode, error: { code, hint: expect.stringMatching(hint) } });
  expect(run.json.error.message).toMatch(/^[^\n]+\.$/);
  const lines = run.stderr.trimEnd().split('\n');
  expect(lines.filter((line) => line.startsWith('✗ '))).toEqual([`✗ ${run.json.error.message}`]);
  expect(lines).toContain(`  → ${run.json.error.hint}`);
}

async function namespaces(connection: ConnectionSettings): Promise<string[]> {
  const { rows } = await sql({ ...server.superuser, database: connection.database }, (client) =>
    client.query<{ name: string }>(
      `select nspname::text as name from pg_namespace where nspname !~ '^pg_' and nspname <> 'information_schema'`,
    ),
  );
  return rows.map(({ name }) => name);
}

describe('a newer server than the tools', () => {
  let newer: ConnectionSettings;
  beforeAll(async () => {
    newer = await embeddedServer(18);
  });

  it('gets no backup: the version to install is named, and the store is left as it was', async () => {
    const cwd = await newProject(scratch);
    const env = { PATH: '/usr/lib/postgresql/15/bin:/usr/bin:/bin' };
    const run = await structdb(['backup', 'run', '--json', '--url', urlOf(newer)], { cwd, env });
    expectRefusal(run, 1, 'PROGRAM_TOO_OLD', /postgresql-18|postgresql@18/);
    expect(run.json.error.message).toContain('pg_dump 18 or newer is needed; installed: 15.');
    expect(backupFiles(cwd)).toEqual([]);
  });

  it('that does not load pg_stat_statements is migrated all the same, with a notice that says what to do', async () => {
    const run = await structdb(['migrate', 'up', '--json', '--url', urlOf(newer)]);
    expect(run).toMatchObject({ exitCode: 0, json: { result: { current: '006_envelope_support', pending: [] } } });
    const notices = run.stderr.split('\n').filter((line) => line.includes('pg_stat_statements'));
    expect(notices).toEqual([
      expect.stringMatching(/is not loaded by this server: left out .*shared_preload_libraries, restart/),
    ]);
  });
});

describe('a role that cannot finish the migrations', () => {
  it('without CREATE is told the grant, and nothing is made', async () => {
    const connection = { ...(await server.createDatabase()), ...(await server.createRole()) };
    const run = await structdb(['migrate', 'up', '--json', '--url', urlOf(connection)]);
    expectRefusal(run, 1, 'PERMISSION_DENIED', /GRANT CREATE ON DATABASE/);
    expect(await namespaces(connection)).toEqual(['public']);
  });

  it('that is not the owner is told so, and nothing is made', async () => {
    const connection = { ...(await server.createDatabase()), ...(await server.createRole()) };
    await sql({ ...server.superuser, database: connection.database }, async (client) => {
      await client.query(`grant create on database "${connection.database}" to "${connection.user}"`);
      await client.query(`grant create on schema public to "${connection.user}"`);
    });
    const run = await structdb(['migrate', 'up', '--json', '--url', urlOf(connection)]);
    expectRefusal(run, 1, 'PERMISSION_DENIED', /ALTER DATABASE .* OWNER TO/);
    expect(await namespaces(connection)).toEqual(['public']);
  });
});

it('a migration that only another structdb knows is named, and nothing is applied or taken back', async () => {
  const connection = await server.createOwnedDatabase();
  await migrateUp(connection, 2);
  const books = async () =>
    (await sql(connection, (client) => client.query('select name from structdb.kysely_migration order by 1'))).rows;
  await sql(connection, (client) =>
    client.query(`insert into structdb.kysely_migration values ('999_from_the_future', now()::text)`),
  );
  const before = await books();
  for (const verb of [['up'], ['down', '--yes']]) {
    const run = await structdb(['migrate', ...verb, '--json', '--url', urlOf(connection)]);
    expectRefusal(run, 1, 'MIGRATION_UNKNOWN', /structdb/);
    expect(run.json.error.message).toContain('999_from_the_future');
  }
  expect(await books()).toEqual(before);
});

it('a configuration with three errors lists all three with their keys, and the command does nothing', async () => {
  const cwd = await mkdtemp(path.join(scratch, 'c-'));
  writeFileSync(
    path.join(cwd, 'structdb.config.ts'),
    `export default { objectives: { rto: 'soon' }, stores: { local: { type: 'tape', path: '.' } }, bakcup: {} };`,
  );
  const run = await structdb(['backup', 'run', '--json', '--url', urlOf(server.superuser)], { cwd });
  expect(run.exitCode).toBe(2);
  expect(run.json.error).toMatchObject({ code: 'CONFIG_INVALID', hint: expect.any(String) });
  expect(run.json.error.details).toHaveLength(3);
  for (const key of ['objectives.rto', 'stores.local', 'bakcup'])
    expect(run.json.error.details.join('\n')).toContain(key);
  expect(readdirSync(cwd)).toEqual(['structdb.config.ts']);
});

it('a disk that is full while dumping leaves nothing of the new backup, and the old ones as they were', async () => {
  const cwd = await newProject(scratch);
  const [small, large] = [await server.createOwnedDatabase(), await server.createOwnedDatabase()];
  await fill(small, 10);
  await fill(large, 60_000);
  // In a mount namespace of its own the store is a disk of 1 MiB. Where that is not allowed, a limit on the size of
  // files stands for it.
  const script = `
    cli() { "$NODE" "$CLI" "$@" --json; }
    mkdir -p store && chmod 755 store
    limit=
    [ "$1" = mount ] && mount -t tmpfs -o size=1m structdb-test store || limit="prlimit --fsize=1000000"
    cli backup run --url "$SMALL" >first.json
    $limit "$NODE" "$CLI" backup run --url "$LARGE" --json >second.json 2>second.txt
    echo $? >code
    find store -mindepth 1 | sort >files
    cli backup list >list.json; cli backup verify >verify.json; true`;
  const mounts = canMount();
  const command = [...(mounts ? ['unshare', '-m'] : []), 'bash', '-c', script, 'bash', mounts ? 'mount' : 'limit'];
  await promisify(execFile)(command[0]!, command.slice(1), {
    cwd,
    env: {
      PATH: `${process.env.PATH}:/usr/sbin:/sbin`,
      HOME: scratch,
      NODE: process.execPath,
      CLI: program,
      SMALL: urlOf(small),
      LARGE: urlOf(large),
    },
  });
  const read = (name: string) => readFileSync(path.join(cwd, name), 'utf8');
  const { label } = JSON.parse(read('first.json')).result;
  const second = JSON.parse(read('second.json'));
  expectRefusal(
    { exitCode: Number(read('code')), json: second, stdout: '', stderr: read('second.txt') },
    1,
    'DISK_FULL',
    /[Ff]ree/,
  );
  expect(JSON.parse(read('list.json')).result.backups).toMatchObject([{ label, problem: null }]);
  expect(JSON.parse(read('verify.json'))).toMatchObject({ ok: true, result: { backups: [{ label, ok: true }] } });
  const backups = read('files')
    .split('\n')
    .filter((name) => /\/backups\/./.test(name));
  expect(backups.length).toBeGreaterThan(0);
  expect(backups.filter((name) => !name.includes(label))).toEqual([]);
});

function canMount(): boolean {
  try {
    execFileSync('unshare', ['-m', 'mount', '-t', 'tmpfs', '-o', 'size=1m', 'structdb-test', '/mnt'], {
      stdio: 'ignore',
    });
    return true;
  } catch {
    return false;
  }
}

describe('a backup that is not what it was', () => {
  it.each([
    ['a truncated dump', (dump: string) => truncateSync(dump, 1000)],
    ['a dump that is missing', (dump: string) => rmSync(dump)],
    [
      'an altered dump',
      (dump: string) => {
        const bytes = readFileSync(dump);
        bytes[bytes.length >> 1]! ^= 1;
        writeFileSync(dump, bytes);
      },
    ],
  ])('%s: verify, restore and dr-test end with 4 and name it; no database is left', async (_what, damage) => {
    const cwd = await newProject(scratch);
    const source = await server.createOwnedDatabase('createdb');
    await fill(source, 100);
    const url = ['--url', urlOf(source)];
    const { label } = (await structdb(['backup', 'run', '--json', ...url], { cwd })).json.result;
    const dump = filesIn(cwd).find((name) => name.endsWith('dump.pgdump'))!;
    damage(path.join(cwd, dump));
    const database = `${source.database}_restored`;
    for (const args of [
      ['backup', 'verify'],
      ['restore', label, '--database', database, ...url],
      ['dr-test', ...url],
    ]) {
      const run = await structdb([...args, '--json'], { cwd });
      expectRefusal(run, 4, 'BACKUP_CORRUPT', /structdb backup/);
      expect(`${run.json.error.message}\n${(run.json.error.details ?? []).join('\n')}`).toContain('dump.pgdump');
    }
    const { rows } = await sql(server.superuser, (client) =>
      client.query(`select datname from pg_database where starts_with(datname, $1)`, [source.database]),
    );
    expect(rows).toEqual([{ datname: source.database }]);
  });
});
