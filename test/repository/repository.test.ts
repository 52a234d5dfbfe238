import { mkdtemp } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { readEvidence, writeEvidence } from '../../src/repository/evidence.ts';
import { parseManifest } from '../../src/repository/manifest.ts';
import { encodeJson, ensureRepository, findRepositories, openRepository } from '../../src/repository/repository.ts';
import { openDirectoryStore } from '../../src/storage/directory-store.ts';
import { scratchDirectory } from '../support/scratch.ts';

const scratch = await scratchDirectory();
const identity = { systemIdentifier: '7312345678901234567', postgresMajor: 15, walSegmentBytes: 16_777_216 };
const freshStore = async () =>
  openDirectoryStore({ path: path.join(await mkdtemp(path.join(scratch, 'r-')), 'store'), uid: process.geteuid?.() });

describe('A repository', () => {
  it('is made once and found again without a server', async () => {
    const store = await freshStore();
    await ensureRepository(store, identity);
    await ensureRepository(store, identity);
    await store.putIfAbsent('notes/readme', Buffer.from('somebody else'));
    expect((await findRepositories(store)).map((found) => found.systemIdentifier)).toEqual(['7312345678901234567']);
  });

  it('refuses a cluster that is not its own', async () => {
    const store = await freshStore();
    await ensureRepository(store, identity);
    await expect(ensureRepository(store, { ...identity, walSegmentBytes: 1_048_576 })).rejects.toMatchObject({
      code: 'REPOSITORY_MISMATCH',
      message: expect.stringContaining('walSegmentBytes 16777216 there, 1048576 here'),
    });
  });

  it('refuses a format that only a newer structdb knows', async () => {
    const store = await freshStore();
    const { keys } = openRepository(store, identity.systemIdentifier);
    await store.putIfAbsent(keys.identity, encodeJson({ ...identity, format: 2 }));
    await expect(ensureRepository(store, identity)).rejects.toMatchObject({ code: 'REPOSITORY_MISMATCH' });
  });

  it('keeps evidence of the same millisecond side by side', async () => {
    const repository = await ensureRepository(await freshStore(), identity);
    const at = new Date('2026-11-24T02:00:00.000Z');
    await Promise.all([1, 2, 3].map((n) => writeEvidence(repository, 'drills', at, { n })));
    const records = (await readEvidence(repository, 'drills')).map(({ record }) => (record as { n: number }).n);
    expect(records.sort()).toEqual([1, 2, 3]);
    expect(await readEvidence(repository, 'bench')).toEqual([]);
  });
});

describe('A manifest', () => {
  it('that was cut is told as cut, with what is missing', () => {
    expect(() => parseManifest(Buffer.from('{"format":1,"label":'), 'x')).toThrow(
      expect.objectContaining({ code: 'MANIFEST_UNREADABLE', exitCode: 4 }),
    );
    expect(() => parseManifest(Buffer.from('{"format":1,"kind":"dump"}'), 'x')).toThrow(
      expect.objectContaining({ details: expect.arrayContaining([expect.stringMatching(/^label: /)]) }),
    );
  });

  it('of a newer format is told as newer', () => {
    expect(() => parseManifest(encodeJson({ format: 2 }), 'x')).toThrow(/written by a newer structdb/);
  });
});
