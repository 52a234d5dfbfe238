import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { importCatalogs, shippedCatalogs } from '../../src/catalog/index.ts';
import { testContext } from '../support/context.ts';
import { failureOf } from '../support/failure.ts';
import { sql, useServer } from '../support/postgres.ts';
import { scratchDirectory } from '../support/scratch.ts';
import { aiscFile, countsOf, csv, fileWith, importInto, rowsOf, useCatalogDatabases } from './support.ts';

const server = useServer();
const createDatabase = useCatalogDatabases(server);
const [SHAPES, GRADES, REFERENCES] = shippedCatalogs() as [string, string, string];
const ROWS = 4598 + 55 + 172;
const HEADER = ['standard', 'edition', 'unit_system', 'designation', 'kind', 'shape_type', 'weight', 'fy', 'note'];
const row = (name: string, weight: string, fy = '50', note = 'n') => [
  'Own',
  '1',
  'US',
  name,
  'shape',
  'W',
  weight,
  fy,
  note,
];

/** Rows of the two tables and of the history, to prove that nothing happened. */
async function stored(connection: Parameters<typeof rowsOf>[0]) {
  const [counts] = await rowsOf<{ materials: number; references: number; history: string | null }>(
    connection,
    `select (select count(*)::int from material_catalog) as materials, (select count(*)::int from code_references) as references,
      to_regclass('structdb.catalog_imports')::text as history`,
  );
  return counts!;
}

/** The first lines of the shipped shapes as a file of their own. */
async function partOfShapes(rows: number, change = (text: string) => text): Promise<string> {
  const lines = (await readFile(SHAPES, 'utf8')).split('\n').slice(0, rows + 1);
  return fileWith(change(`${lines.join('\n')}\n`), 'part.csv');
}

describe('the catalogs that ship', () => {
  it('are imported without naming a file, and a second import changes nothing and says so', async () => {
    const connection = await createDatabase();
    const before = await stored(connection);
    const first = await importInto(connection);
    expect(countsOf(first)).toEqual([
      ROWS - before.materials - before.references,
      0,
      before.materials + before.references,
      0,
      0,
    ]);
    expect(first.changed).toBe(true);
    const xmin = `select md5(string_agg(xmin::text || ctid::text, ',' order by ctid)) as state from material_catalog`;
    const written = await rowsOf(connection, xmin);
    const second = await importInto(connection);
    expect(countsOf(second)).toEqual([0, 0, ROWS, 0, 0]);
    expect(second.changed).toBe(false);
    expect(await rowsOf(connection, xmin)).toEqual(written);
    expect(second.files.map(({ whole }) => whole)).toEqual([true, false, false]);
  });

  it('are noted in the history with who, when, what and the hash of the file', async () => {
    const connection = await createDatabase();
    const { files } = await importInto(connection, { files: [SHAPES] });
    expect(await rowsOf(connection, 'select * from structdb.catalog_imports')).toMatchObject([
      {
        imported_by: connection.user,
        imported_at: expect.any(Date),
        sha256: files[0]!.sha256,
        inserted: files[0]!.inserted,
        editions: [
          { standard: 'AISC', edition: 'v16.0', unitSystem: 'US', rows: 2299 },
          { standard: 'AISC', edition: 'v16.0', unitSystem: 'SI', rows: 2299 },
        ],
      },
    ]);
  });

  it('keep exact decimals, real zeros, and absence as NULL', async () => {
    const connection = await createDatabase();
    await importInto(connection, { files: [SHAPES] });
    const [angle] = await rowsOf<{ zero: string }>(
      connection,
      `select properties ->> 'z_b' as zero, properties ? 'web_thickness' as web, zx::text from material_catalog where designation = 'L8X8X1'`,
    );
    expect(angle).toMatchObject({ zero: '0', web: false });
    const [shape] = await rowsOf(
      connection,
      `select weight::text, depth::text, (properties -> 'k1_detailing')::text as k1, properties ->> 'counterpart' as si
      from material_catalog where designation = 'W14X90' and unit_system = 'US'`,
    );
    expect(shape).toEqual({ weight: '90', depth: '14', k1: '1.4375', si: 'W360X134' });
  });
});

describe('a part of a table', () => {
  it('of ten rows retires nothing', async () => {
    const connection = await createDatabase();
    await importInto(connection);
    const result = await importInto(connection, { files: [await partOfShapes(10)] });
    expect(countsOf(result)).toEqual([0, 0, 10, 0, 0]);
    expect(result.files[0]!.whole).toBe(false);
    expect(await rowsOf(connection, 'select from material_catalog where retired_at is not null')).toHaveLength(0);
  });

  it("in AISC's own layout is filed under the shipped edition when every value is that edition's, else refused", async () => {
    const connection = await createDatabase();
    await importInto(connection);
    const same = await fileWith(
      aiscFile({ shapes: [{ tw: '0.440', tf: '0.710', 'tw (metric)': '11.2', 'tf (metric)': '18.0' }] }),
    );
    expect(countsOf(await importInto(connection, { files: [same] }))).toEqual([0, 0, 2, 0, 0]);
    const other = await fileWith(
      aiscFile({ shapes: [{ tw: '0.440', tf: '0.710', 'tf (metric)': '18.0', Ix: '998' }] }),
    );
    const error = await failureOf(importInto(connection, { files: [other] }));
    expect([error.code, error.hint]).toEqual(['CATALOG_UNKNOWN', expect.stringContaining('--edition v16.0')]);
    const declared = await importInto(connection, { files: [other], edition: '16.0' });
    expect(countsOf(declared)).toEqual([0, 1, 1, 0, 0]);
  });

  it('in one unit system is filed by the names of its shapes', async () => {
    const connection = await createDatabase();
    await importInto(connection);
    const file = await fileWith(aiscFile({ halves: 1, shapes: [{ tw: '0.440', tf: '0.710' }] }));
    const { files } = await importInto(connection, { files: [file] });
    expect(files[0]!.editions).toEqual([
      { standard: 'AISC', edition: 'v16.0', unitSystem: 'US', variant: '', rows: 1 },
    ]);
    expect(files[0]!.unchanged).toBe(1);
  });
});

describe('updates', () => {
  it('count what differs as a number, and only that', async () => {
    const connection = await createDatabase();
    const first = await fileWith(csv([HEADER, row('W1', '90'), row('W2', '80'), row('W3', '70')]));
    const second = await fileWith(
      csv([HEADER, row('W1', '90.00'), row('W2', '81'), row('W3', '70', '50', 'm'), row('W4', '60')]),
    );
    expect(countsOf(await importInto(connection, { files: [first] }))).toEqual([3, 0, 0, 0, 0]);
    expect(countsOf(await importInto(connection, { files: [second] }))).toEqual([1, 2, 1, 0, 0]);
    expect(countsOf(await importInto(connection, { files: [second] }))).toEqual([0, 0, 4, 0, 0]);
  });

  it('leave alone what the file has no column for, and empty what it has a column and no value for', async () => {
    const connection = await createDatabase();
    await importInto(connection, { files: [await fileWith(csv([HEADER, row('W1', '90'), row('W2', '90')]))] });
    const narrow = [HEADER.slice(0, 7), row('W1', '91').slice(0, 7)];
    const empty = [HEADER, row('W2', '', '', '')];
    await importInto(connection, { files: [await fileWith(csv(narrow)), await fileWith(csv(empty))] });
    const query = `select designation, weight::text, fy::text, properties from material_catalog where standard = 'Own' order by 1`;
    expect(await rowsOf(connection, query)).toEqual([
      { designation: 'W1', weight: '91', fy: '50', properties: { note: 'n' } },
      { designation: 'W2', weight: null, fy: null, properties: {} },
    ]);
  });
});

describe('retirement', () => {
  it('marks what a complete file lacks, and a row that returns is in use again', async () => {
    const connection = await createDatabase();
    const both = await fileWith(csv([HEADER, row('W1', '90'), row('W2', '80'), ['Other', ...row('W9', '1').slice(1)]]));
    const one = await fileWith(csv([HEADER, row('W1', '90')]));
    await importInto(connection, { files: [both] });
    expect(countsOf(await importInto(connection, { files: [one] }))).toEqual([0, 0, 1, 0, 0]);
    expect(countsOf(await importInto(connection, { files: [one], complete: true, retireAbove5Percent: true }))).toEqual(
      [0, 0, 1, 1, 0],
    );
    expect(countsOf(await importInto(connection, { files: [one], complete: true, retireAbove5Percent: true }))).toEqual(
      [0, 0, 1, 0, 0],
    );
    const retired = `select standard, designation from material_catalog where retired_at is not null`;
    expect(await rowsOf(connection, retired)).toEqual([{ standard: 'Own', designation: 'W2' }]);
    expect(countsOf(await importInto(connection, { files: [both] }))).toEqual([0, 1, 2, 0, 0]);
    expect(await rowsOf(connection, retired)).toEqual([]);
  });

  it('follows from a file that has every name of a published table', async () => {
    const connection = await createDatabase();
    const extra = csv([HEADER, ['AISC', 'v16.0', 'US', 'W99X999', 'shape', 'W', '999', '', '']]);
    await importInto(connection, { files: [await fileWith(extra)] });
    const result = await importInto(connection, { files: [SHAPES], retireAbove5Percent: true });
    expect(result.totals.retired).toBe(1);
  });

  it('does not happen when rows were rejected: they are still in the table of the publisher', async () => {
    const connection = await createDatabase();
    await importInto(connection, { files: [await fileWith(csv([HEADER, row('W1', '90'), row('W2', '80')]))] });
    const file = await fileWith(csv([HEADER, row('W1', '91'), row('W2', 'x')]));
    const result = await importInto(connection, { files: [file], complete: true, skipBadRows: true });
    expect(countsOf(result)).toEqual([0, 1, 0, 0, 1]);
  });
});

describe('bad rows', () => {
  it('stop everything, in every file, and are named by file, line, column, value and reason', async () => {
    const connection = await createDatabase();
    const before = await stored(connection);
    const good = await fileWith(csv([HEADER, row('W1', '90')]));
    const bad = await fileWith(csv([HEADER, row('W2', '80'), row('W3', 'heavy'), row('W2', '80')]), 'bad.csv');
    const error = await failureOf(importInto(connection, { files: [good, bad] }));
    expect(error.code).toBe('CATALOG_BAD_ROWS');
    expect(error.message).toBe(`${bad} has 2 bad rows; nothing was imported.`);
    expect(error.details).toEqual([
      'bad.csv:3: weight "heavy": not a number',
      'bad.csv:4: designation "W2": the same row stands on line 2, with the same values',
    ]);
    expect(error.hint).toContain('--skip-bad-rows');
    expect(await stored(connection)).toEqual(before);
  });

  it('are left out and counted with --skip-bad-rows', async () => {
    const connection = await createDatabase();
    const bad = await fileWith(csv([HEADER, row('W2', '80'), row('W3', 'heavy')]), 'bad.csv');
    const result = await importInto(connection, { files: [bad], skipBadRows: true });
    expect(countsOf(result)).toEqual([1, 0, 0, 0, 1]);
    expect(result.files[0]!.problems).toEqual([
      { file: bad, line: 3, column: 'weight', value: 'heavy', reason: 'not a number' },
    ]);
  });

  it('are found in the last line of a large file after its first rows were sent', async () => {
    const connection = await createDatabase();
    const before = await stored(connection);
    const file = await partOfShapes(4598, (text) => text.replace(/,([^,]*),([^,]*)\n$/, ',x$1,$2\n'));
    const error = await failureOf(importInto(connection, { files: [file] }));
    expect(error.details).toHaveLength(1);
    expect(error.details[0]).toMatch(/^part\.csv:4599: /);
    expect(await stored(connection)).toEqual(before);
  });

  it('include the one on which a truncated file ends', async () => {
    const connection = await createDatabase();
    const text = await readFile(SHAPES, 'utf8');
    const error = await failureOf(importInto(connection, { files: [await fileWith(text.slice(0, 500_000))] }));
    expect([error.code, error.details[0]]).toEqual(['CATALOG_BAD_ROWS', expect.stringContaining('truncated')]);
  });
});

describe('a dry run', () => {
  it('says what an import would do and does nothing', async () => {
    const connection = await createDatabase();
    await importInto(connection, {
      files: [await fileWith(csv([HEADER, row('W1', '90'), row('W2', '80'), row('W3', '70')]))],
    });
    const file = await fileWith(csv([HEADER, row('W1', '90.0'), row('W2', '81'), row('W4', '60')]));
    const history = 'select count(*)::int as count from structdb.catalog_imports';
    const before = [await stored(connection), await rowsOf(connection, history)];
    const result = await importInto(connection, { files: [file], complete: true, dryRun: true });
    expect([result.dryRun, ...countsOf(result)]).toEqual([true, 1, 1, 1, 1, 0]);
    expect([await stored(connection), await rowsOf(connection, history)]).toEqual(before);
    expect(
      countsOf(await importInto(connection, { files: [file], complete: true, retireAbove5Percent: true })),
    ).toEqual([1, 1, 1, 1, 0]);
  });

  it('agrees with the import that follows, for all that ships', async () => {
    const connection = await createDatabase();
    const preview = await importInto(connection, { dryRun: true });
    expect(countsOf(await importInto(connection))).toEqual(countsOf(preview));
    expect(countsOf(await importInto(connection, { dryRun: true }))).toEqual([0, 0, ROWS, 0, 0]);
  });

  it('takes no lock', async () => {
    const connection = await createDatabase();
    await sql(connection, async (other) => {
      await other.query('begin; lock table material_catalog in exclusive mode');
      expect((await importInto(connection, { files: [GRADES], dryRun: true })).dryRun).toBe(true);
      await other.query('rollback');
    });
  });
});

describe('files that cannot be imported', () => {
  it.each([
    [
      'a missing file',
      async () => path.join(await scratchDirectory(), 'none.csv'),
      'FILE_MISSING',
      /There is no file .*none\.csv/,
    ],
    ['an empty directory', () => scratchDirectory(), 'FILE_MISSING', /no catalog in the directory/],
    ['an empty file', () => fileWith(''), 'CATALOG_UNREADABLE', /is empty/],
    ['a binary file', () => fileWith(Buffer.from([1, 75, 3, 4, 0, 0, 9])), 'CATALOG_UNREADABLE', /is a binary file/],
    ['another table', () => fileWith('a,b\n1,2\n'), 'CATALOG_UNKNOWN', /fits no catalog format/],
  ])('%s', async (_, make, code, message) => {
    const error = await failureOf(importInto(await createDatabase(), { files: [await make()] }));
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
    expect(error.hint).toBeTruthy();
  });
});

describe('a database that is not ready', () => {
  it('without the schema: says to migrate', async () => {
    const error = await failureOf(importInto(await server.createOwnedDatabase()));
    expect([error.code, error.hint]).toEqual(['SCHEMA_MISSING', 'Run: structdb migrate up']);
  });

  it('without the privilege: names the grants, and with them it works', async () => {
    const connection = await createDatabase();
    await importInto(connection, { files: [REFERENCES] });
    const guest = { ...connection, ...(await server.createRole()) };
    await sql(connection, (client) => client.query(`grant usage on schema structdb to "${guest.user}"`));
    const error = await failureOf(importInto(guest, { files: [GRADES] }));
    expect(error.code).toBe('PERMISSION_DENIED');
    expect(error.hint).toContain(`GRANT SELECT, INSERT, UPDATE ON public.material_catalog TO "${guest.user}";`);
    const grants = error.hint!.replace('The owner runs: ', '');
    await sql(connection, (client) => client.query(grants));
    expect((await importInto(guest, { files: [GRADES] })).files[0]!.rows).toBe(55);
  });
});

describe('two imports at once', () => {
  it('take turns, and the second finds nothing to do', async () => {
    const connection = await createDatabase();
    const results = await Promise.all([importInto(connection), importInto(connection)]);
    expect(results.map(({ changed }) => changed).toSorted()).toEqual([false, true]);
    expect((await stored(connection)).materials).toBe(4598 + 55);
  });

  it('while one takes too long: the other names who holds the lock', async () => {
    const connection = { ...(await createDatabase()) };
    await importInto(connection, { files: [REFERENCES] });
    await sql(connection, async (other) => {
      await other.query(`begin; select pg_advisory_xact_lock(${0x73747275}, ${0x0ca7a109})`);
      const error = await failureOf(importInto(connection, { files: [GRADES], lockWaitMs: 100 }));
      expect([error.code, error.exitCode]).toEqual(['LOCKED', 5]);
      expect(error.message).toMatch(new RegExp(`process \\d+ of "${connection.user}", since \\d{4}-`));
      await other.query('rollback');
    });
  });
});

describe('somebody who writes rows of the same edition meanwhile', () => {
  const insert = `insert into material_catalog (standard, edition, unit_system, designation, kind)
    values ('AISC', 'v16.0', 'US', 'W44X408', 'shape')`;

  it('is waited for, and his row is one of those that are there', async () => {
    const connection = await createDatabase();
    await sql(connection, async (other) => {
      await other.query(`begin; ${insert}`);
      const running = importInto(connection, { files: [SHAPES] });
      const waits = `select from pg_locks where not granted and relation = 'material_catalog'::regclass`;
      while ((await other.query(waits)).rowCount === 0);
      await other.query('commit');
      expect(countsOf(await running)).toEqual([4597, 1, 0, 0, 0]);
    });
  });

  it('is named when he takes too long', async () => {
    const connection = await createDatabase();
    const before = await stored(connection);
    await sql(connection, async (other) => {
      await other.query(`begin; ${insert}`);
      const error = await failureOf(importInto(connection, { files: [SHAPES], lockWaitMs: 100 }));
      expect(error).toMatchObject({ code: 'LOCKED', exitCode: 5 });
      expect(error.message).toMatch(new RegExp(`process \\d+ of "${connection.user}", since \\d{4}-`));
      await other.query('rollback');
    });
    expect(await stored(connection)).toEqual(before);
  });
});

describe('Ctrl-C', () => {
  it('while rows wait for a lock leaves nothing behind', async () => {
    const connection = await createDatabase();
    const before = await stored(connection);
    const context = testContext();
    await sql(connection, async (other) => {
      await other.query('begin; lock table material_catalog in exclusive mode');
      const running = failureOf(importCatalogs({ connection }, context));
      const waits = `select from pg_locks where not granted and relation = 'material_catalog'::regclass`;
      while ((await other.query(waits)).rowCount === 0);
      context.interrupt();
      expect((await running).code).toBe('INTERRUPTED');
      await other.query('rollback');
    });
    expect(await stored(connection)).toEqual(before);
  });

  it('before the first byte does nothing', async () => {
    const connection = await createDatabase();
    const context = testContext();
    context.interrupt();
    expect((await failureOf(importCatalogs({ connection }, context))).code).toBe('INTERRUPTED');
  });
});

describe('a file of the user', () => {
  it('is read from where it is named, whatever its name', async () => {
    const connection = await createDatabase();
    const folder = path.join(await scratchDirectory(), 'a b');
    await mkdir(folder);
    await chmod(folder, 0o700);
    const file = path.join(folder, "it's, 100%.csv");
    await writeFile(file, csv([HEADER, row('W1', '90', '50', 'tab\there \\ "x"'.replaceAll('"', ''))]));
    await importInto(connection, { files: [file] });
    expect(
      await rowsOf(connection, `select properties ->> 'note' as note from material_catalog where standard = 'Own'`),
    ).toEqual([{ note: 'tab\there \\ x' }]);
  });
});
