import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { type ExportOptions, exportCatalog, shippedCatalogs } from '../../src/catalog/index.ts';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { mountSmallDisk } from '../../src/programs/small-disk.ts';
import { structdb } from '../support/cli.ts';
import { testContext } from '../support/context.ts';
import { failureOf } from '../support/failure.ts';
import { sql, urlOf } from '../support/postgres.ts';
import { scratchDirectory } from '../support/scratch.ts';
import { countsOf, fileWith, importInto, useCatalogDatabases } from './support.ts';

const createDatabase = useCatalogDatabases();
let connection: ConnectionSettings;

async function exported(from: ConnectionSettings, options: Partial<ExportOptions> = {}) {
  const pieces: string[] = [];
  const write = async (text: string) => void pieces.push(text);
  const result = await exportCatalog({ connection: from, write, ...options }, testContext());
  return { ...result, text: pieces.join(''), pieces: pieces.length };
}

async function emptyDatabase(): Promise<ConnectionSettings> {
  const empty = await createDatabase();
  await sql(empty, async (client) => {
    await client.query('truncate material_catalog');
    await client.query('truncate code_references');
  });
  return empty;
}

beforeAll(async () => {
  connection = await createDatabase();
  await importInto(connection);
  await sql(connection, async (client) => {
    // As nobody but a hand writes: zeros at the end, words with quotes, commas, line ends and other alphabets.
    await client.query(`update material_catalog set weight = 90.00, properties = properties || '{"web_thickness": 0.440}'
      where designation = 'W14X90'`);
    await client.query(
      `insert into material_catalog (standard, edition, unit_system, designation, variant, kind, product_form, properties)
      values ('Own', '1', 'SI', 'BOLT 7', 'é', 'bolt', $1, $2)`,
      ['a "b", c\nd\re', { note: 'δ;\t"x"', lot: '0012', empty: '', nothing: null, padded: ' x ' }],
    );
    await client.query(`update material_catalog set retired_at = now() where designation = 'W44X408'`);
  });
});

describe('catalog export', () => {
  it('gives a file that brings the same rows into an empty database, byte by byte and by content hash', async () => {
    const first = await exported(connection);
    expect([first.rows, first.pieces > 4]).toEqual([4598 + 55, true]);
    expect(first.text).not.toContain('AISC,v16.0,US,W44X408,');
    const copy = await emptyDatabase();
    const imported = await importInto(copy, { files: [await fileWith(first.text)] });
    expect(countsOf(imported)).toEqual([first.rows, 0, 0, 0, 0]);
    expect(imported.files[0]!.contentSha256).toBe(first.contentSha256);
    const second = await exported(copy);
    expect(second.contentSha256).toBe(first.contentSha256);
    expect(second.text === first.text).toBe(true);
  });

  it('does so for references, in the layout in which they ship', async () => {
    const first = await exported(connection, { references: true });
    const [, , shipped] = shippedCatalogs();
    const sorted = (text: string) => text.trimEnd().split('\n').sort();
    expect(sorted(first.text)).toEqual(sorted(await readFile(shipped!, 'utf8')));
    const copy = await emptyDatabase();
    await importInto(copy, { files: [await fileWith(first.text)] });
    const second = await exported(copy, { references: true });
    expect([second.text === first.text, second.contentSha256]).toEqual([true, first.contentSha256]);
  });

  it('exports what is chosen, and says when there is nothing', async () => {
    const metric = await exported(connection, { standard: 'AISC', edition: '16.0', unitSystem: 'SI' });
    expect([metric.rows, metric.text.includes(',US,')]).toEqual([2299, false]);
    expect((await exported(connection, { kind: 'bolt', standard: 'Own' })).text).toBe(
      'standard,edition,unit_system,designation,variant,kind,product_form,lot,note,padded\nOwn,1,SI,BOLT 7,é,bolt,"a ""b"", c\nd\re",12,"δ;\t""x""",x\n',
    );
    expect((await exported(connection, { references: true, standard: 'AISC 360' })).rows).toBe(117);
    expect((await failureOf(exported(connection, { edition: 'v9' }))).code).toBe('CATALOG_NOT_FOUND');
    expect((await failureOf(exported(connection, { references: true, unitSystem: 'US' }))).code).toBe('USAGE');
  });

  it('writes a file that is not there, or replaces one when told to; nothing is left of a failure', async () => {
    const folder = await scratchDirectory();
    const file = path.join(folder, 'x.csv');
    await writeFile(file, 'precious');
    const run = (...flags: string[]) =>
      structdb(['catalog', 'export', '--variant', 'é', ...flags, '--url', urlOf(connection)]);
    const refused = await run('--output', file);
    expect([refused.exitCode, await readFile(file, 'utf8')]).toEqual([1, 'precious']);
    expect(refused.stderr).toContain('--force');
    const missing = await run('--standard', 'None', '--output', file, '--force');
    expect([missing.exitCode, await readFile(file, 'utf8')]).toEqual([1, 'precious']);
    const [replaced, screen, json] = await Promise.all([
      run('--output', file, '--force', '--json'),
      run(),
      run('--json'),
    ]);
    expect(replaced.json.result).toMatchObject({ rows: 1, contentSha256: expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect(screen.stdout).toBe(await readFile(file, 'utf8'));
    expect(json.exitCode).toBe(2);
    expect(await readdir(folder)).toEqual(['x.csv']);
  });

  it('that only the last piece of the file fills the disk with is an error, and leaves nothing', async () => {
    const disk = path.join(await scratchDirectory(), 'disk');
    const size = Buffer.byteLength((await exported(connection)).text);
    const PAGE = 4096;
    const unmount = await mountSmallDisk(disk, Math.floor((size - 1) / PAGE) * PAGE);
    if (!unmount) return;
    try {
      for (const force of [[], ['--force']]) {
        const output = path.join(disk, 'x.csv');
        const full = await structdb([
          'catalog',
          'export',
          '--output',
          output,
          ...force,
          '--json',
          '--url',
          urlOf(connection),
        ]);
        expect([full.exitCode, full.json.error?.code, await readdir(disk)]).toEqual([1, 'DISK_FULL', []]);
      }
    } finally {
      await unmount();
    }
  });
});
