import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { blocksOf, rawSamples } from '../../src/bench/store/raw-samples.ts';
import {
  newestRunFile,
  readStored,
  readStoredRun,
  saveBaseline,
  storeAgainst,
  storeRun,
} from '../../src/bench/store/run-store.ts';
import { encodeStoredAgainst } from '../../src/bench/store/stored-against.ts';
import { readStoredFile } from '../../src/bench/store/stored-file.ts';
import { encodeStoredRun } from '../../src/bench/store/stored-run.ts';
import { temporaryRoot } from '../../src/programs/own-directory.ts';
import { madeRun } from '../support/bench-run.ts';
import { madeAgainst } from './report/support.ts';

let root: string;
const places = () => ({ root, workingDirectory: root });

beforeAll(async () => {
  root = await mkdtemp(path.join(temporaryRoot(), 'structdb-bench-store-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

describe('raw samples', () => {
  it('are whole microseconds in the order of time, each in its block', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.integer({ min: 0, max: 10_000 }), { minLength: 1 }), { maxLength: 12 }),
        (parts) => {
          const raw = rawSamples('q', {
            latencies: Float64Array.from(parts.flat(), (us) => us / 1000),
            blocks: Uint16Array.from(parts.flatMap((part, number) => part.map(() => number * 2))),
          });
          expect(raw.us).toEqual(parts.flat());
          expect(blocksOf(raw)).toEqual(parts);
        },
      ),
    );
  });
});

describe('stored runs', () => {
  it('come back as they were, by id, by name, by path, and the newest without any', async () => {
    const [old, young] = [madeRun({ at: '2026-11-29T08:00:00Z' }), madeRun({ at: '2026-11-30T08:00:00Z' })];
    await storeRun(young, places());
    await storeRun(old, places());
    const file = await saveBaseline(old, 'main', places());
    expect(file).toBe(path.join(root, 'benchmarks/baselines/main.json'));
    expect(await readStoredRun(undefined, places())).toMatchObject({ ...young });
    expect(await readStoredRun(old.result.id, places())).toMatchObject({ ...old });
    expect(await readStoredRun('main', places())).toMatchObject({ ...old, file });
    expect(await readStoredRun('benchmarks/baselines/main.json', places())).toMatchObject({ ...old });
    // Nothing half written stays.
    expect((await readdir(path.join(root, '.structdb/bench'))).filter((name) => !name.endsWith('Z-0001.json'))).toEqual(
      [],
    );
  });

  it('are kept up to fifty, the newest, and a foreign file is left alone', async () => {
    const folder = path.join(root, '.structdb/bench');
    await writeFile(path.join(folder, 'notes.json'), '{}');
    for (let minute = 0; minute < 51; minute += 1)
      await storeRun(madeRun({ at: `2026-12-01T10:${String(minute).padStart(2, '0')}:00Z` }), places());
    const names = (await readdir(folder)).sort();
    expect(names).toHaveLength(51);
    expect(names[0]).toBe('20261201T100100Z-0001.json');
    expect(names.at(-1)).toBe('notes.json');
  });

  it('that are not there are told with what there is', async () => {
    await expect(readStoredRun('nightly', places())).rejects.toMatchObject({
      code: 'FILE_MISSING',
      details: ['Baselines: main', expect.stringContaining('Newest runs: 20261201T105000Z-0001')],
    });
    await expect(readStoredRun('./nowhere.json', places())).rejects.toMatchObject({ code: 'FILE_MISSING' });
    await expect(saveBaseline(madeRun(), 'ma in', places())).rejects.toMatchObject({ code: 'USAGE' });
  });

  it('are kept apart from two sides that were timed in turns', async () => {
    const project = await mkdtemp(path.join(temporaryRoot(), 'structdb-bench-against-'));
    const own = { root: project, workingDirectory: project };
    try {
      await expect(readStored(undefined, own)).rejects.toMatchObject({ code: 'FILE_MISSING', details: [] });
      const results = Array.from({ length: 51 }, (_, minute) =>
        madeAgainst({ at: `2026-12-01T10:${String(minute).padStart(2, '0')}:00.000Z` }),
      );
      for (const result of results) await storeAgainst({ result }, own);
      const [oldest, newest] = [results[0]!, results.at(-1)!];
      // None of them is a run, however new.
      expect(await newestRunFile(own)).toBeUndefined();
      await expect(readStored(undefined, own)).rejects.toMatchObject({
        code: 'FILE_MISSING',
        details: [expect.stringContaining(`(--against): ${newest.id}`)],
      });
      const run = madeRun({ at: '2026-11-30T08:00:00Z' });
      const file = await storeRun(run, own);
      expect(await newestRunFile(own)).toBe(file);
      expect(await readStored(undefined, own)).toMatchObject({ kind: 'run', result: run.result });
      expect(await readStored(newest.id, own)).toMatchObject({ kind: 'against', result: newest });
      // The oldest went for the newest, and no run did.
      await expect(readStored(oldest.id, own)).rejects.toMatchObject({ code: 'FILE_MISSING' });
      expect(await readdir(path.join(project, '.structdb/bench/against'))).toHaveLength(50);
      await expect(readStoredRun(newest.id, own)).rejects.toMatchObject({
        code: 'BENCH_RESULT_UNREADABLE',
        message: expect.stringContaining('holds two sides that were timed in turns, and no run'),
      });
    } finally {
      await rm(project, { recursive: true });
    }
  });

  const whole = encodeStoredRun(madeRun());
  it.each([
    ['cut off', whole.slice(0, whole.length / 2), 'is a benchmark result that was cut off or altered.'],
    ['foreign JSON', '{"name":"structdb"}', 'is not a benchmark result.'],
    ['no JSON', 'hello', 'is not a benchmark result.'],
    ['of a newer structdb', whole.replace('"format":1', '"format":9'), 'was written by a newer structdb.'],
    ['two sides cut off', encodeStoredAgainst({ result: madeAgainst() }).slice(0, 200), 'that was cut off or altered.'],
    ['of an older result', whole.replace('"format":2', '"format":1'), 'was written by an older structdb.'],
    ['altered', whole.replace(/"us":\[\d+/, '"us":["x"'), 'is a benchmark result that was altered: raw.0.0.us.0'],
    [
      'without a point’s samples',
      `${whole.slice(0, whole.indexOf('"raw":'))}"raw":[]}`,
      'samples are missing for a point',
    ],
  ])('are refused in one line when %s', async (name, content, message) => {
    const file = path.join(root, `${name.replaceAll(' ', '-')}.json`);
    await writeFile(file, content);
    const error = await readStoredFile(file).catch((thrown: unknown) => thrown as Error);
    expect(error).toMatchObject({ code: 'BENCH_RESULT_UNREADABLE' });
    expect((error as Error).message).toContain(message);
    expect((error as Error).message).not.toContain('\n');
  });

  it('hold a line for each query, so that a change of a baseline can be read', async () => {
    const lines = (await readFile(path.join(root, 'benchmarks/baselines/main.json'), 'utf8')).split('\n');
    expect(lines.filter((line) => line.startsWith('{"name":'))).toHaveLength(3);
  });
});
