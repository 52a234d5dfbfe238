import { beforeAll, describe, expect, it } from '@jest/globals';
import { aiscFile, csv, fileWith, useCatalogDatabases } from '../catalog/support.ts';
import { workbookFile } from '../catalog/workbook-file.ts';
import { structdb } from '../support/cli.ts';
import { urlOf, useServer } from '../support/postgres.ts';

const createDatabase = useCatalogDatabases(useServer());
let url: string;

beforeAll(async () => {
  url = urlOf(await createDatabase());
});

describe('structdb catalog', () => {
  it('import says what it did, and the second time that nothing changed', async () => {
    const first = await structdb(['catalog', 'import', '--json', '--url', url]);
    expect(first.exitCode).toBe(0);
    expect(first.json).toMatchObject({ command: 'catalog import', ok: true, result: { changed: true, dryRun: false } });
    const second = await structdb(['catalog', 'import', '--url', url]);
    expect(second.exitCode).toBe(0);
    expect(second.stdout).toContain('Nothing changed: 4,825 rows are as they were.');
  });

  it('import names a bad row and exits 1', async () => {
    const header = ['standard', 'edition', 'unit_system', 'designation', 'kind', 'weight'];
    const file = await fileWith(csv([header, ['Own', '1', 'US', 'W1', 'shape', 'heavy']]), 'bad.csv');
    const { exitCode, stdout, stderr } = await structdb(['catalog', 'import', file, '--url', url]);
    expect([exitCode, stdout]).toEqual([1, '']);
    expect(stderr).toContain('bad.csv:2: weight "heavy": not a number');
    expect(stderr).toContain('--skip-bad-rows');
    const skipped = await structdb(['catalog', 'import', file, '--skip-bad-rows', '--dry-run', '--url', url]);
    expect(skipped.exitCode).toBe(0);
    expect(skipped.stdout).toContain('rejected line 2: weight "heavy": not a number');
  });

  it('import tells what looks odd, and rejects it with --strict', async () => {
    const header = ['standard', 'edition', 'unit_system', 'designation', 'kind', 'shape_type', 'sx', 'zx'];
    const file = await fileWith(csv([header, ['Own', '1', 'US', 'W1', 'shape', 'W', '100', '140']]), 'odd.csv');
    const odd = 'zx "140": 1.4 times Sx, which is 100 in³; W shapes have 1.08 to 1.35';
    const told = await structdb(['catalog', 'import', file, '--dry-run', '--url', url]);
    expect([told.exitCode, told.stdout]).toEqual([0, expect.stringContaining(`  odd line 2: ${odd}`)]);
    const strict = await structdb(['catalog', 'import', file, '--strict', '--json', '--url', url]);
    expect([strict.exitCode, strict.json.error.details]).toEqual([1, [`odd.csv:2: ${odd}`]]);
  });

  it('import says of a file in the other unit system that it is one, and how to say so', async () => {
    const header = ['standard', 'edition', 'unit_system', 'designation', 'kind', 'weight', 'area'];
    const rows = ['W1', 'W2', 'W3', 'W4'].map((name) => ['Own', '1', 'US', name, 'shape', '134', '17100']);
    const file = await fileWith(csv([header, ...rows]), 'metric.csv');
    const { exitCode, stderr } = await structdb(['catalog', 'import', file, '--url', url]);
    expect(exitCode).toBe(1);
    expect(stderr).toContain('these are mm² and kg/m, but the row is declared US; are its lengths millimetres?');
    expect(stderr).toMatch(/and 1 more\n.*If the whole file is in the other unit system, say so with --unit-system/);
  });

  it('import refuses a wrong unit system as usage', async () => {
    expect((await structdb(['catalog', 'import', 'x.csv', '--unit-system', 'inch', '--url', url])).exitCode).toBe(2);
  });

  it('import says how a file was read, and takes --encoding and --sheet', async () => {
    const importOf = async (file: string, ...flags: string[]) => {
      const args = ['catalog', 'import', file, '--edition', 'v16.0', '--dry-run', ...flags, '--url', url];
      return (await structdb(args)).stdout.replace(file, 'FILE');
    };
    const text = await fileWith(Buffer.from(aiscFile().replaceAll(',', ';'), 'utf16le'));
    expect(await importOf(text, '--encoding', 'utf-16le')).toContain(
      "FILE AISC v16.0 in US and SI units, AISC's shapes database, utf-16le, semicolons\n",
    );
    const cells = aiscFile()
      .trimEnd()
      .split('\n')
      .map((line) => line.split(','));
    const book = await fileWith(workbookFile({ One: cells, Two: cells }), 'shapes.csv');
    expect(await importOf(book, '--sheet', 'Two')).toContain(
      'FILE AISC v16.0 in US and SI units, AISC\'s shapes database, sheet "Two"\n  Skipped the sheet "One".\n',
    );
  });

  it('list prints a line per edition', async () => {
    const { exitCode, stdout } = await structdb(['catalog', 'list', '--url', url]);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^AISC +v16\.0 +shape +US +2,299$/m);
  });

  it('show prints both unit systems side by side', async () => {
    const { exitCode, stdout } = await structdb(['catalog', 'show', 'w14x90', '--url', url]);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^W14X90 · W360X134 W, AISC v16\.0$/m);
    expect(stdout).toMatch(/^ +ix +999 +in⁴ +416,000,000 +mm⁴$/m);
  });

  it('show suggests names and exits 1 where there is none', async () => {
    const { exitCode, stderr } = await structdb(['catalog', 'show', 'W14X9', '--url', url]);
    expect(exitCode).toBe(1);
    expect(stderr).toContain('Did you mean W14X90');
  });
});
