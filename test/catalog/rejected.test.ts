import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { structdb } from '../support/cli.ts';
import { failureOf } from '../support/failure.ts';
import { urlOf } from '../support/postgres.ts';
import { scratchDirectory } from '../support/scratch.ts';
import { aiscFile, countsOf, csv, fileWith, importInto, rowsOf, useCatalogDatabases } from './support.ts';

const createDatabase = useCatalogDatabases();
const HEADER = ['standard', 'edition', 'unit_system', 'designation', 'kind', 'weight', 'note'];
const row = (name: string, weight: string, note = 'n') => ['Own', '1', 'US', name, 'material', weight, note];
const STORED = `select designation, unit_system, weight::text, properties from material_catalog
  where standard in ('Own', 'AISC') and designation <> 'W14X22' order by 1, 2`;

describe('rejected rows', () => {
  it('go to a file that, mended, imports to what a good file would have given', async () => {
    const [mending, clean] = [await createDatabase(), await createDatabase()];
    const target = path.join(await scratchDirectory(), 'bad.csv');
    const rows = (first: string, second: string) =>
      csv([
        HEADER,
        row('A', '1'),
        row('B', first, '"two\nlines, ""quoted"""'),
        row('C', '3'),
        row('D', second),
        row('E', '5'),
      ]);
    const result = await importInto(mending, { files: [await fileWith(rows('x', '-4'), 'in.csv')], rejected: target });
    expect([countsOf(result), result.files[0]!.rejectedTo]).toEqual([[3, 0, 0, 0, 2], target]);
    const text = await readFile(target, 'utf8');
    expect(text).toBe(csv([HEADER, row('B', 'x', '"two\nlines, ""quoted"""'), row('D', '-4')]));
    expect((await readFile(`${target}.reasons`, 'utf8')).split('\n')).toEqual([
      expect.stringMatching(/^line 2 \(.*in\.csv:3\): weight "x": not a number$/),
      expect.stringMatching(/^line 4 \(.*in\.csv:6\): weight "-4": negative$/),
      '',
    ]);
    await writeFile(target, text.replace(',x,', ',2,').replace(',-4,', ',4,'));
    await importInto(mending, { files: [path.dirname(target)] });
    await importInto(clean, { files: [await fileWith(rows('2', '4'))] });
    expect(await rowsOf(mending, STORED)).toEqual(await rowsOf(clean, STORED));
  });

  it('are those with a word that no index takes; the longest that is taken fits in any alphabet', async () => {
    const connection = await createDatabase();
    const header = ['standard', 'edition', 'unit_system', 'designation', 'variant', 'kind', 'shape_type', 'zx'];
    // Of a hash, so that the server cannot make it smaller.
    const letters = (count: number) =>
      createHash('shake256', { outputLength: count / 2 })
        .update('word')
        .digest('hex');
    const wide = (count: number) =>
      [...letters(count)].map((hex) => String.fromCharCode(0x4e00 + hex.charCodeAt(0) * 97)).join('');
    const most = [wide(200), wide(200), 'US', letters(200), wide(200), 'bolt', wide(200), `1${'0'.repeat(199)}`];
    const long = ['standard', 'edition', 'designation', 'variant', 'shape_type', 'zx'];
    const bad = long.map((name, at) =>
      most.with(3, `BOLT ${at}`).with(header.indexOf(name), name === 'zx' ? '9'.repeat(8000) : letters(8000)),
    );
    const problems = (file: string) =>
      failureOf(importInto(connection, { files: [file] })).then(({ details }) => details);
    expect(await problems(await fileWith(csv([header, ...bad]), 'in.csv'))).toEqual(
      long.map((name, at) =>
        expect.stringMatching(new RegExp(`^in\\.csv:${at + 2}: ${name} ".{200}…": longer than 200 characters$`)),
      ),
    );
    const sections = ['standard', 'edition', 'section', 'title'];
    const section = [wide(200), wide(200), wide(200), letters(8000)];
    const prices = ['item_code', 'version', 'unit_price', 'currency', 'unit', 'effective_from'];
    const price = [wide(200), wide(200), '1', 'USD', letters(8000), '2026-01-01'];
    expect(await problems(await fileWith(csv([sections, section.with(2, letters(8000))])))).toEqual([
      expect.stringMatching(/:2: section .*: longer than 200 characters$/),
    ]);
    expect(await problems(await fileWith(csv([prices, price.with(0, letters(8000))])))).toEqual([
      expect.stringMatching(/:2: item_code .*: longer than 200 characters$/),
    ]);
    for (const rows of [
      [header, most],
      [sections, section],
      [prices, price],
    ]) {
      expect(countsOf(await importInto(connection, { files: [await fileWith(csv(rows))] }))[0]).toBe(1);
    }
  });

  it('are told in a line each, whatever their cells hold, and not as long as these are', async () => {
    const connection = await createDatabase();
    const target = path.join(await scratchDirectory(), 'bad.csv');
    const file = await fileWith(
      csv([HEADER, row('"A\nline 9 (in.csv:9): \u001b[2JB"', '1'), row('C', 'x'.repeat(50_000)), row('D', '1')]),
      'in.csv',
    );
    const [first, second] = [
      'designation "A\\nLINE 9 (IN.CSV:9): \\x1b[2JB": a designation is made of ASCII characters and single spaces',
      `weight "${'x'.repeat(200)}…": not a number`,
    ];
    const error = await failureOf(importInto(connection, { files: [file] }));
    expect(error.details).toEqual([`in.csv:2: ${first}`, `in.csv:4: ${second}`]);
    const result = await importInto(connection, { files: [file], rejected: target });
    expect(result.files[0]!.problems[1]!.value).toHaveLength(50_000);
    expect((await readFile(`${target}.reasons`, 'utf8')).replaceAll(file, 'in.csv')).toBe(
      `line 2 (in.csv:2): ${first}\nline 4 (in.csv:4): ${second}\n`,
    );
    const { stdout } = await structdb(['catalog', 'import', file, '--skip-bad-rows', '--url', urlOf(connection)]);
    expect(stdout).toContain(`  rejected line 2: ${first}\n  rejected line 4: ${second}\n`);
  });

  it("of AISC's layout come back with both halves under the same options", async () => {
    const connection = await createDatabase();
    const target = path.join(await scratchDirectory(), 'bad.csv');
    const shapes: Record<string, string>[] = [
      { EDI_Std_Nomenclature: 'W1X1', 'EDI_Std_Nomenclature (metric)': 'W10X1', Ix: 'nine' },
      { EDI_Std_Nomenclature: 'W2X2', 'EDI_Std_Nomenclature (metric)': 'W20X2' },
    ];
    const options = { edition: 'v16.0', rejected: target };
    const first = await importInto(connection, { files: [await fileWith(aiscFile({ shapes }))], ...options });
    expect(countsOf(first)).toEqual([2, 0, 0, 0, 1]);
    const text = await readFile(target, 'utf8');
    await writeFile(target, text.replace('nine', '999'));
    expect(countsOf(await importInto(connection, { files: [target], edition: 'v16.0' }))).toEqual([2, 0, 0, 0, 0]);
  });

  it('of several files go to a file each; nothing is overwritten without force, nothing is left by a failure', async () => {
    const connection = await createDatabase();
    const directory = await scratchDirectory();
    const target = path.join(directory, 'bad.csv');
    const [one, two] = [await fileWith(csv([HEADER, row('A', 'x')])), await fileWith(csv([HEADER, row('B', 'y')]))];
    const good = await fileWith(csv([HEADER, row('C', '1')]));
    await importInto(connection, { files: [good], rejected: target });
    expect(await readdir(directory)).toEqual([]);
    await importInto(connection, { files: [one], rejected: target, dryRun: true });
    await failureOf(importInto(connection, { files: [one, await fileWith('a,b\n1,2\n')], rejected: target }));
    expect(await readdir(directory)).toEqual([]);
    await importInto(connection, { files: [one, good, two], rejected: target });
    expect(await readdir(directory)).toEqual(['bad.2.csv', 'bad.2.csv.reasons', 'bad.csv', 'bad.csv.reasons']);
    const error = await failureOf(importInto(connection, { files: [one], rejected: target }));
    expect([error.code, error.message]).toEqual(['FILE_UNREADABLE', expect.stringContaining('not overwritten')]);
    await importInto(connection, { files: [two], rejected: target, force: true });
    expect(await readFile(target, 'utf8')).toBe(csv([HEADER, row('B', 'y')]));
    const same = await failureOf(importInto(connection, { files: [target], rejected: target, force: true }));
    expect([same.code, existsSync(target)]).toEqual(['USAGE', true]);
  });
});
