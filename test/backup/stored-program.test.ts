import { mkdtemp } from 'node:fs/promises';
import path from 'node:path';
import { expect, it } from '@jest/globals';
import { storeOutput } from '../../src/backup/stored-program.ts';
import { StructdbError } from '../../src/core/errors.ts';
import { ensureRepository, type Repository } from '../../src/repository/repository.ts';
import { openDirectoryStore } from '../../src/storage/directory-store.ts';
import type { Sealing } from '../../src/storage/sealing.ts';
import type { Store } from '../../src/storage/store.ts';
import { testContext } from '../support/context.ts';
import { scratchDirectory } from '../support/scratch.ts';

const scratch = await scratchDirectory();
const identity = { systemIdentifier: '7312345678901234567', postgresMajor: 15, walSegmentBytes: 16_777_216 };

/** A store that begins to read what it is given only when told. */
async function slowRepository(begin: Promise<void>): Promise<Repository> {
  const location = path.join(await mkdtemp(path.join(scratch, 's-')), 'store');
  const store = openDirectoryStore({ path: location, uid: process.geteuid?.() });
  const repository = await ensureRepository(store, identity);
  const slow: Store = Object.assign(Object.create(store), {
    location,
    put: async (key: string, body: AsyncIterable<Uint8Array>) => {
      await begin;
      return store.put(key, body);
    },
  });
  return { ...repository, store: slow };
}

const shell = (script: string) => ({
  program: { name: 'sh', path: '/bin/sh', version: '0', major: 0 },
  args: ['-c', script],
  env: {},
  doing: 'Dumping',
  step: 'backup.dump',
});

it.each([
  ['is interrupted', 'exec sleep 60', 'INTERRUPTED'],
  ['fails', 'echo broken >&2; exit 3', 'PROGRAM_FAILED'],
])('A program that %s before the store reads is told as such', async (_how, script, code) => {
  const abort = new AbortController();
  const begin = Promise.withResolvers<void>();
  const repository = await slowRepository(begin.promise);
  const stored = storeOutput(shell(script), repository, 'x', 'dump.pgdump', {
    ...testContext(),
    signal: abort.signal,
  });
  if (code === 'INTERRUPTED') abort.abort();
  // The program is gone well before; that the store answers late must not matter.
  setTimeout(begin.resolve, 300);
  const error = await stored.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(StructdbError);
  expect(error).toMatchObject({ code });
});

it('Encryption that fails is told, and not the program that could not go on writing', async () => {
  const repository = await slowRepository(Promise.resolve());
  const sealing: Sealing = {
    settings: { recipients: [] },
    canUnseal: false,
    // biome-ignore lint/correctness/useYield: it fails before
    seal: async function* () {
      throw new StructdbError('PROGRAM_FAILED', 'Encrypting failed.');
    },
    unseal: () => {
      throw new Error('not asked');
    },
    sealBuffer: () => Promise.reject(new Error('not asked')),
    unsealBuffer: () => Promise.reject(new Error('not asked')),
  };
  Object.assign(repository.store, { sealing });
  const endless = shell('while :; do echo line; done');
  await expect(storeOutput(endless, repository, 'x', 'dump.pgdump', testContext())).rejects.toMatchObject({
    code: 'PROGRAM_FAILED',
    message: 'Encrypting failed.',
  });
});
