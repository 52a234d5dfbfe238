import { randomBytes } from 'node:crypto';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { shippedCatalogs } from '../../src/catalog/index.ts';
import { openCatalogFile } from '../../src/catalog/reading/catalog-file.ts';
import type { CatalogSource } from '../../src/catalog/reading/source.ts';
import { filesOf } from '../../src/catalog/sources.ts';
import { testContext } from '../support/context.ts';
import { failureOf } from '../support/failure.ts';
import { scratchDirectory } from '../support/scratch.ts';
import { countsOf, csv, fileWith, importInto, rowsOf, useCatalogDatabases } from './support.ts';

const createDatabase = useCatalogDatabases();
const never = new AbortController().signal;

async function read(source: CatalogSource): Promise<{ bytes: Buffer; text: string; whole: boolean; sha256: string }> {
  const opened = await openCatalogFile(source, never);
  const chunks: Uint8Array[] = [];
  try {
    for await (const chunk of opened.chunks()) chunks.push(Buffer.from(chunk));
  } finally {
    await opened.close();
  }
  const bytes = Buffer.concat(chunks);
  return { bytes, text: bytes.toString('latin1'), whole: opened.whole !== undefined, sha256: opened.sha256() };
}

/** Gives one byte, then the rest. */
async function* dripping(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes.subarray(0, 1);
  yield bytes.subarray(1);
}

describe('the bytes of a catalog', () => {
  it('are unpacked where they are gzip, whatever the name, from files, buffers and pipes', async () => {
    const packed = gzipSync('a,b\n1,2\n');
    const file = await fileWith(packed, 'no-ending.csv');
    for (const source of [file, { name: 'x', bytes: packed }, { name: 'x', stream: dripping(packed) }]) {
      expect(await read(source)).toMatchObject({ text: 'a,b\n1,2\n', whole: true });
    }
    expect((await read({ name: 'x', bytes: Buffer.concat([packed, gzipSync('3,4\n')]) })).text).toBe('a,b\n1,2\n3,4\n');
  });

  it('come whole up to 16 MiB, and are the same bytes beyond', async () => {
    const bytes = randomBytes(17 << 20);
    const plain = await read({ name: 'x', stream: dripping(bytes) });
    const packed = await read(await fileWith(gzipSync(bytes, { level: 1 })));
    expect([plain.whole, packed.whole]).toEqual([false, false]);
    expect([plain.bytes.equals(bytes), packed.bytes.equals(bytes)]).toEqual([true, true]);
  });

  it.each([
    ['cut off', gzipSync('a,b\n'.repeat(1000)).subarray(0, 30), /ends in the middle of its gzip data/],
    ['damaged', Buffer.concat([gzipSync('a,b\n').subarray(0, 10), Buffer.alloc(40, 0x77)]), /is damaged gzip data/],
    ['followed by something', Buffer.concat([gzipSync('a,b\n'), Buffer.from('tail')]), /goes on behind the end/],
  ])('are refused when gzip data is %s', async (_, bytes, message) => {
    const error = await failureOf(read({ name: 'x.gz', bytes }));
    expect([error.code, error.message]).toEqual(['CATALOG_UNREADABLE', expect.stringMatching(message)]);
  });

  it('of a bomb are refused long before they fill memory', async () => {
    const header = 'standard,edition,unit_system,designation,kind\n';
    const bomb = gzipSync(header + 'Own,1,US,W1,shape\n'.repeat(2_500_000), { level: 9 });
    const before = process.memoryUsage.rss();
    const error = await failureOf(
      (async () => {
        const opened = await openCatalogFile({ name: 'bomb.gz', bytes: bomb }, never);
        for await (const _ of opened.chunks());
      })(),
    );
    expect([error.code, error.message]).toEqual(['CATALOG_UNREADABLE', expect.stringContaining('200 times its size')]);
    expect(process.memoryUsage.rss() - before).toBeLessThan(80e6);
  });

  it('of a pipe that gives nothing can be interrupted', async () => {
    const abort = new AbortController();
    const stream = (async function* () {
      await new Promise(() => {});
      yield new Uint8Array();
    })();
    const opening = openCatalogFile({ name: 'x', stream }, abort.signal);
    setTimeout(() => abort.abort(), 20);
    await expect(opening).rejects.toMatchObject({ name: 'AbortError' });
  });
});

describe('a directory', () => {
  it('stands for the catalogs in it, by name; what is left out is told', async () => {
    const directory = await scratchDirectory();
    for (const name of ['b.csv', 'a.TSV', 'c.csv.gz', 'README.txt', 'LICENSE', 'notes.pdf', '.hidden.csv']) {
      await writeFile(path.join(directory, name), 'x');
    }
    await mkdir(path.join(directory, 'deeper'));
    await symlink(path.join(directory, 'b.csv'), path.join(directory, 'link.csv'));
    const context = testContext();
    const files = await filesOf([directory, path.join(directory, 'b.csv')], context);
    expect(files.map((file) => path.basename(file as string))).toEqual(['a.TSV', 'b.csv', 'c.csv.gz']);
    const told = context.events.flatMap((event) => (event.kind === 'notice' ? [event.message] : []));
    expect(told[0]).toBe(
      `Skipped in ${directory}: .hidden.csv (hidden), LICENSE (not a table), README.txt (not a table), deeper (a directory), notes.pdf (not the ending of a catalog).`,
    );
    expect(told.slice(1)).toEqual([
      expect.stringMatching(/link\.csv is named twice \(as .*b\.csv\); it is imported once/),
      expect.stringMatching(/b\.csv is named twice; it is imported once/),
    ]);
  });

  it('without catalogs is refused', async () => {
    const error = await failureOf(filesOf([await scratchDirectory()], testContext()));
    expect([error.code, error.hint]).toEqual(['FILE_MISSING', expect.stringContaining('.csv, .tsv')]);
  });
});

it('imports directories, gzip, bytes and streams in one run', async () => {
  const connection = await createDatabase();
  const header = ['standard', 'edition', 'unit_system', 'designation', 'kind'];
  const one = (name: string) => csv([header, ['Own', '1', 'US', name, 'material']]);
  const directory = await scratchDirectory();
  await writeFile(path.join(directory, '1.csv'), one('A'));
  await writeFile(path.join(directory, '2.csv.gz'), gzipSync(one('B')));
  const result = await importInto(connection, {
    files: [
      directory,
      { name: 'memory', bytes: Buffer.from(one('C')) },
      { name: 'pipe', stream: dripping(Buffer.from(one('D'))) },
      shippedCatalogs()[2]!,
    ],
  });
  expect(result.files.slice(0, 4).map(({ inserted }) => inserted)).toEqual([1, 1, 1, 1]);
  expect(await rowsOf(connection, 'select file from structdb.catalog_imports order by import_id')).toMatchObject(
    // What ships is noted without the folder that it was installed in.
    result.files.map(({ file }) => ({ file: file.replace(/.*\/(?=catalogs\/)/, '') })),
  );
  expect(countsOf(result)[0]).toBeGreaterThan(100);
});
