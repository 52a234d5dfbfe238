import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { down, loadMigrations, plan, previewDown, status, to, up } from '../../src/migrate/index.ts';
import { testContext } from '../support/context.ts';
import { failureOf } from '../support/failure.ts';
import { migrationFolder } from '../support/migration-folder.ts';
import { sql, useServer } from '../support/postgres.ts';

const server = useServer();

const ROOMS = `-- Rooms of a site.
-- migrate:up lock_timeout:2s statement_timeout:1min
create table public.rooms (name text); -- one; two
comment on table public.rooms is 'it''s; a room';

-- migrate:down
drop table public.rooms;
`;
const ROOMS_INDEX = `-- migrate:up transaction:false
create index concurrently if not exists rooms_name_idx on public.rooms (name);
-- migrate:down
drop index public.rooms_name_idx;
`;
const module = (up: string, down?: string) => `import { type Kysely, sql } from 'kysely';
export const config = { lockTimeout: '3s' };
export async function up(db: Kysely<unknown>): Promise<void> { await sql\`${up}\`.execute(db); }
${down ? `export async function down(db: Kysely<unknown>): Promise<void> { await sql\`${down}\`.execute(db); }` : ''}
`;

const LATIN_1 = Buffer.from("-- migrate:up\ncomment on schema public is 'caf\u00e9';\n", 'latin1');

describe('loadMigrations', () => {
  it('reads TypeScript, JavaScript and SQL files in the order of their names, and nothing else', async () => {
    const { directory } = await migrationFolder({
      '001_sites.ts': module('create table public.sites ()', 'drop table public.sites'),
      '002_rooms.sql': ROOMS,
      '003_rooms_index.sql': ROOMS_INDEX,
      '004_plain.mjs': 'export default { async up() {} };',
      '005_once.sql':
        '-- migrate:up\nselect 1;\n-- migrate:down\n-- nothing\n-- migrate:irreversible the data is gone\n',
      'lib/helper.ts': 'export const help = 1;',
      'types.d.ts': 'export {};',
      '.hidden.sql': '',
      'README.md': '',
    });
    const registry = await loadMigrations(directory);
    expect(Object.keys(registry)).toEqual(['001_sites', '002_rooms', '003_rooms_index', '004_plain', '005_once']);
    expect(registry['001_sites']?.config).toEqual({ lockTimeout: '3s' });
    expect(registry['002_rooms']?.config).toEqual({ lockTimeout: '2s', statementTimeout: '1min', down: {} });
    expect(registry['003_rooms_index']?.config).toEqual({ transaction: false, down: {} });
    expect(registry['005_once']?.config).toMatchObject({ irreversible: 'the data is gone' });
    expect(registry['005_once']?.down).toBeUndefined();
    expect(registry['002_rooms']?.source).toEqual({ file: path.join(directory, '002_rooms.sql'), text: ROOMS });
    const planned = await plan({ registry, names: ['002', '003'] });
    expect(planned.map(({ name, transactional, statements }) => ({ name, transactional, statements }))).toEqual([
      {
        name: '002_rooms',
        transactional: true,
        statements: ['create table public.rooms (name text)', `comment on table public.rooms is 'it''s; a room'`],
      },
      {
        name: '003_rooms_index',
        transactional: false,
        statements: ['create index concurrently if not exists rooms_name_idx on public.rooms (name)'],
      },
    ]);
    expect((await plan({ registry, names: ['003'], direction: 'down' }))[0]?.transactional).toBe(true);
  });

  it('gives migrations that run, are recorded, seen by status, and go back', async () => {
    const { directory } = await migrationFolder({
      '001_sites.ts': module('create table public.sites ()', 'drop table public.sites'),
      '002_rooms.sql': ROOMS,
      '003_rooms_index.sql': ROOMS_INDEX,
    });
    const registry = await loadMigrations(directory);
    const connection = await server.createOwnedDatabase();
    const context = testContext();
    expect((await up({ connection, registry }, context)).current).toBe('003_rooms_index');
    await sql(connection, (client) => client.query(`insert into rooms values ('a'), ('b')`));
    const { migrations } = await status({ connection, registry }, context);
    expect(migrations.map(({ name, state }) => [name, state])).toEqual([
      ['001_sites', 'applied'],
      ['002_rooms', 'applied'],
      ['003_rooms_index', 'applied'],
    ]);
    const preview = await previewDown({ connection, registry, target: { name: '001_sites' } }, context);
    expect(preview).toEqual({
      names: ['003_rooms_index', '002_rooms'],
      losses: [{ kind: 'table', migration: '002_rooms', table: 'rooms', rows: 2 }],
    });
    expect((await to({ connection, registry, name: '001_sites' }, context)).pending).toEqual([
      '002_rooms',
      '003_rooms_index',
    ]);
    expect((await down({ connection, registry }, context)).current).toBeNull();
  });

  it('names file, line and column of a failed statement', async () => {
    const { directory } = await migrationFolder({
      '001_bad.sql': '-- migrate:up\nselect 1;\n\nselect 1,\n  nothing;\n',
    });
    const connection = await server.createOwnedDatabase();
    const failure = await failureOf(up({ connection, registry: await loadMigrations(directory) }, testContext()));
    expect(failure.message).toContain(`failed at statement 2 of 2, ${path.join(directory, '001_bad.sql')}:5:3`);
  });

  it('sees line ends of Windows as no difference', async () => {
    const unix = await migrationFolder({ '001_rooms.sql': ROOMS });
    const windows = await migrationFolder({ '001_rooms.sql': `\ufeff${ROOMS.replaceAll('\n', '\r\n')}` });
    const checksums = async (directory: string) =>
      (await plan({ registry: await loadMigrations(directory) })).map(({ checksum }) => checksum);
    expect(await checksums(windows.directory)).toEqual(await checksums(unix.directory));
  });

  it('says in one line that the folder is missing, a file, or empty', async () => {
    const { directory } = await migrationFolder({});
    expect(await failureOf(loadMigrations(directory))).toMatchObject({
      code: 'MIGRATION_FILES_INVALID',
      message: `The folder ${directory} holds no migrations (*.ts, *.js, *.sql).`,
    });
    const missing = path.join(directory, 'nowhere');
    expect((await failureOf(loadMigrations(missing))).message).toBe(`There is no folder of migrations ${missing}.`);
    const { directory: other } = await migrationFolder({ 'a.sql': '' });
    expect((await failureOf(loadMigrations(path.join(other, 'a.sql')))).message).toMatch(/is a file, not a folder/);
  });

  it('lists every problem with its file and line', async () => {
    const { directory } = await migrationFolder({
      '001_twice.sql': ROOMS,
      '001_twice.ts': module('select 1'),
      '002_nothing.ts': 'export const help = 1;',
      '003_text.ts': `export async function up() {}\nexport const config = { transaction: 'false' };`,
      '004_unmarked.sql': 'select 1;',
      '005_before.sql': '\nselect 1;\n-- migrate:up\n',
      '006_option.sql': '-- migrate:up transactions:false\n',
      '007_open.sql': `-- migrate:up\nselect 'a;\n-- migrate:down\n`,
      '008_begin.sql': '-- migrate:up\nselect 1;\nbegin;\ncommit;\n',
      '009_both.sql': '-- migrate:up\n-- migrate:down\nselect 1;\n-- migrate:irreversible\n',
      '010_again.sql': '-- migrate:up\n-- migrate:up\n',
      '011_psql.sql': '-- migrate:up\nselect 1;\n\\i other.sql\n',
      '012_common.cjs': 'exports.up = async () => {};',
      '013_indented.sql': '-- migrate:up\nselect 1;\n  -- migrate:down\ndrop table a;\n',
      '014_capitals.sql': '-- migrate:up\nselect 1;\n-- Migrate: Down\ndrop table a;\n',
      '015_behind.sql': '-- migrate:up\nselect 1; -- migrate:down\ndrop table a;\n',
      '016_latin.sql': LATIN_1,
      '017_latin.ts': Buffer.concat([Buffer.from(module('select 1')), Buffer.from('// caf\u00e9', 'latin1')]),
      '018_utf16.sql': Buffer.from('\ufeff-- migrate:up\nselect 1;\n', 'utf16le'),
    });
    await promisify(execFile)('mkfifo', [path.join(directory, '019_pipe.sql')]);
    const { details, message } = await failureOf(loadMigrations(directory));
    expect(message).toBe(`The migrations in ${directory} have 19 problems.`);
    expect(details).toEqual([
      '001_twice.sql and 001_twice.ts: both are migration 001_twice; remove or rename one',
      '002_nothing.ts: it exports no function "up"',
      '003_text.ts: "config.transaction" is not a boolean',
      '004_unmarked.sql: it has no "-- migrate:up"',
      '005_before.sql:2: a statement stands before "-- migrate:up"',
      expect.stringMatching(/^006_option\.sql:1: "transactions:false" is no option/),
      '007_open.sql:2: a quote or comment begins here and never ends',
      expect.stringMatching(/^008_begin\.sql:3: BEGIN is not needed/),
      expect.stringMatching(/^009_both\.sql: it has a way back/),
      '010_again.sql:2: a second "-- migrate:up"',
      expect.stringMatching(/^011_psql\.sql:3: a command of psql/),
      expect.stringMatching(/^012_common\.cjs: CommonJS is not read/),
      '013_indented.sql:3: a mark begins its line and is in small letters: "-- migrate:down"',
      '014_capitals.sql:3: a mark begins its line and is in small letters: "-- migrate:down"',
      '015_behind.sql:2: a mark begins its line and is in small letters: "-- migrate:down"',
      '016_latin.sql:2: is not in UTF-8; save it in that encoding',
      '017_latin.ts:5: is not in UTF-8; save it in that encoding',
      '018_utf16.sql:1: is not in UTF-8; save it in that encoding',
      '019_pipe.sql: is no file',
    ]);
  });
});
