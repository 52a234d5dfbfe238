import { beforeAll, describe, expect, it } from '@jest/globals';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { fingerprintTables } from '../../src/database/fingerprint.ts';
import { takeInventory } from '../../src/database/inventory.ts';
import { sql, useServer } from '../support/postgres.ts';

const server = useServer();
let connection: ConnectionSettings;

const TABLE = `(id int, at timestamptz, day date, lasts interval, ratio float8, price money, bytes bytea, "row" text)`;
const ROW = `(n, '2026-11-24 02:00+01'::timestamptz + n * interval '1 hour', date '2026-01-31' + n, n * interval '1 day 2:03',
  n / 3.0, n::numeric::money, sha256(n::text::bytea), 'row ' || n)`;

beforeAll(async () => {
  connection = await server.createDatabase();
});

/** Fingerprints after `statements`, all in one transaction that is rolled back. */
async function fingerprintsAfter(...statements: readonly string[]) {
  return sql(connection, async (client) => {
    await client.query('begin');
    for (const statement of statements) await client.query(statement);
    return fingerprintTables(client);
  });
}

const fill = (order: string) => [
  `create table t ${TABLE}`,
  `insert into t select v.* from generate_series(1, 50) n cross join lateral (values ${ROW}) v order by n ${order}`,
];

describe('The fingerprint of the large objects', () => {
  const objects = async (...statements: readonly string[]) =>
    (await fingerprintsAfter(...statements)).find(({ name }) => name === 'pg_largeobject');
  const MIB = 1024 * 1024;

  it('is there only where there are any, and tells a changed byte, wherever it is', async () => {
    expect(await objects()).toBeUndefined();
    const make = `select lo_from_bytea(901, convert_to(repeat('x', ${3 * MIB} + 5), 'UTF8')), lo_create(902)`;
    const whole = await objects(make);
    expect(whole).toMatchObject({ schema: 'pg_catalog', rows: 2 });
    expect(await objects(make)).toEqual(whole);
    for (const at of [0, 2 * MIB, 3 * MIB + 4]) {
      const other = await objects(make, `select lo_put(901, ${at}, 'y')`);
      expect(other).toMatchObject({ rows: 2 });
      expect(other!.contentHash).not.toBe(whole!.contentHash);
    }
    // What is in another object, or behind the end of one, counts too.
    expect((await objects(make, `select lo_put(902, 0, 'y')`))!.contentHash).not.toBe(whole!.contentHash);
    expect((await objects(make, `select lo_put(901, ${3 * MIB} + 5, '\\x00')`))!.contentHash).not.toBe(
      whole!.contentHash,
    );
  });
});

describe('The fingerprint of a table', () => {
  it('does not depend on the order in which rows lie', async () => {
    const [up, down] = [await fingerprintsAfter(...fill('asc')), await fingerprintsAfter(...fill('desc'))];
    expect(up).toMatchObject([{ schema: 'public', name: 't', rows: 50 }]);
    expect(down).toEqual(up);
  });

  it('does not depend on the settings of the session', async () => {
    const odd = [
      `set local DateStyle = 'German, DMY'`,
      `set local TimeZone = 'Asia/Kathmandu'`,
      `set local IntervalStyle = 'sql_standard'`,
      'set local extra_float_digits = -5',
      `set local bytea_output = 'escape'`,
      `set local search_path = 'pg_temp'`,
    ];
    expect(await fingerprintsAfter(...fill('asc'), ...odd)).toEqual(await fingerprintsAfter(...fill('asc')));
  });

  it.each([
    ['one value', `update t set ratio = ratio + 1e-12 where id = 7`],
    ['a NULL for an empty text', `update t set "row" = null where id = 7`],
    [
      'two rows whose values were swapped',
      `update t set day = case id when 7 then date '2026-02-08' else date '2026-02-07' end where id in (7, 8)`,
    ],
    ['a row that was doubled twice', `insert into t select t.* from t, generate_series(1, 2) where id = 7`],
  ])('sees %s', async (_what, change) => {
    const before = await fingerprintsAfter(...fill('asc'), `update t set "row" = '' where id = 7`);
    const after = await fingerprintsAfter(...fill('asc'), `update t set "row" = '' where id = 7`, change);
    expect(after[0]!.contentHash).not.toBe(before[0]!.contentHash);
  });

  it('sees a row that is gone, in count and hash', async () => {
    const [before, after] = [
      await fingerprintsAfter(...fill('asc')),
      await fingerprintsAfter(...fill('asc'), 'delete from t where id = 7'),
    ];
    expect(after[0]!.rows).toBe(before[0]!.rows - 1);
    expect(after[0]!.contentHash).not.toBe(before[0]!.contentHash);
  });
});

describe('The inventory', () => {
  const setUp = [
    'create table parent (id int primary key)',
    'create table child (id int constraint child_parent references parent, n int constraint positive check (n > 0))',
    `create function touched() returns trigger language plpgsql as 'begin return new; end'`,
    'create trigger watch before update on child for each row execute function touched()',
  ];
  const inventoryAfter = (...statements: readonly string[]) =>
    sql(connection, async (client) => {
      await client.query('begin');
      for (const statement of [...setUp, ...statements]) await client.query(statement);
      return takeInventory(client);
    });

  it('has no weakness where nothing is wrong, and is the same twice', async () => {
    const inventory = await inventoryAfter();
    expect(inventory.weaknesses).toEqual([]);
    expect(await inventoryAfter(`set local search_path = 'pg_temp'`)).toEqual(inventory);
  });

  it.each([
    ['alter table child disable trigger watch', 'trigger watch on public.child is disabled'],
    [
      'alter table child add constraint late check (n < 10) not valid',
      'constraint late on public.child is not validated',
    ],
    [
      'create materialized view unfilled as select id from child with no data',
      'materialised view public.unfilled was never filled',
    ],
  ])('finds after "%s" that %s', async (statement, weakness) => {
    expect((await inventoryAfter(statement)).weaknesses).toEqual([weakness]);
  });

  it.each(['child_parent', 'positive'])('finds that the constraint %s was dropped', async (name) => {
    const [before, after] = [await inventoryAfter(), await inventoryAfter(`alter table child drop constraint ${name}`)];
    expect(JSON.stringify(before.structure)).toContain(name);
    expect(JSON.stringify(after.structure)).not.toContain(name);
  });
});
