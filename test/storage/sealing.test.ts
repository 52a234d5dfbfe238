import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { openSealing } from '../../src/storage/age-sealing.ts';
import type { Sealing } from '../../src/storage/sealing.ts';
import { describeWith } from '../support/programs.ts';
import { scratchDirectory } from '../support/scratch.ts';
import { streamOf } from './store-contract.ts';

const scratch = await scratchDirectory();
const searchPath = process.env.PATH;

/** A key pair in a file as age-keygen writes it. */
async function newKey(name: string): Promise<{ readonly recipient: string; readonly identityFile: string }> {
  const identity = await generateX25519Identity();
  const recipient = await identityToRecipient(identity);
  const identityFile = path.join(scratch, name);
  writeFileSync(identityFile, `# created: 2026-11-24\n# public key: ${recipient}\n${identity}\n`);
  return { recipient, identityFile };
}

const own = await newKey('own');
const other = await newKey('other');
const ENGINES = [
  ['the age program', true],
  ["npm's library", false],
] as const;
const open = (useProgram: boolean, identityFile: string | undefined = own.identityFile) =>
  openSealing({ recipients: [own.recipient], identityFile, searchPath, useProgram });

async function gather(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const gathered: Uint8Array[] = [];
  for await (const chunk of chunks) gathered.push(chunk);
  return Buffer.concat(gathered);
}

const inChunks = (bytes: Buffer) => streamOf([bytes.subarray(0, 70_000), bytes.subarray(70_000)]);

describeWith(['age'], 'Encryption', () => {
  const plains = [0, 1, 65_536, 65_537, 3_000_000].map((size) => randomBytes(size));

  it.each([
    ['the age program', "npm's library", true, false],
    ["npm's library", 'the age program', false, true],
    ['the age program', 'the age program', true, true],
    ["npm's library", "npm's library", false, false],
  ] as const)('by %s is opened by %s, streams and buffers alike', async (_by, _with, sealWith, openWith) => {
    const [sealer, opener] = [await open(sealWith), await open(openWith)];
    for (const plain of plains) {
      const [streamed, whole] = [await gather(sealer.seal(inChunks(plain))), await sealer.sealBuffer(plain)];
      expect(streamed.equals(whole)).toBe(false);
      expect((await opener.unsealBuffer(streamed)).equals(plain)).toBe(true);
      expect((await gather(opener.unseal(inChunks(whole)))).equals(plain)).toBe(true);
    }
  });

  it.each(ENGINES)('by %s is opened by the stock program, with any of several keys', async (_name, useProgram) => {
    const sealing = await openSealing({ recipients: [own.recipient, other.recipient], searchPath, useProgram });
    const [plain] = plains.slice(-1);
    const file = path.join(scratch, 'sealed.age');
    writeFileSync(file, await sealing.sealBuffer(plain!));
    for (const { identityFile } of [own, other]) {
      const opened = execFileSync('age', ['-d', '-i', identityFile, file], { maxBuffer: 10_000_000 });
      expect(opened.equals(plain!)).toBe(true);
    }
  });

  it.each(ENGINES)('by %s needs the right key to be opened', async (_name, useProgram) => {
    const sealed = await (await open(useProgram)).sealBuffer(Buffer.from('secret'));
    const wrong = await open(useProgram, other.identityFile);
    await expect(wrong.unsealBuffer(sealed)).rejects.toMatchObject({
      code: 'KEY_WRONG',
      message: expect.stringContaining(other.identityFile),
    });
    const without = await openSealing({ recipients: [own.recipient], searchPath, useProgram });
    expect(without.canUnseal).toBe(false);
    await expect(without.unsealBuffer(sealed)).rejects.toMatchObject({ code: 'KEY_MISSING' });
  });

  it.each(ENGINES)('tells an altered or a cut object, with %s', async (_name, useProgram) => {
    const sealing = await open(useProgram);
    const sealed = await sealing.sealBuffer(randomBytes(200_000));
    const header = sealed.indexOf('\n---');
    const damage: readonly Buffer[] = [
      flipped(sealed, header - 10),
      flipped(sealed, header + 20),
      flipped(sealed, sealed.length - 100),
      sealed.subarray(0, sealed.length - 1),
      // Between two chunks of the format: what is there is all right, but not the last.
      sealed.subarray(0, sealed.length - (200_000 % 65_536) - 16),
      sealed.subarray(0, 40),
      Buffer.from('not encrypted at all'),
      Buffer.alloc(0),
    ];
    for (const bytes of damage) {
      await expect(sealing.unsealBuffer(bytes)).rejects.toMatchObject({ code: /OBJECT_CORRUPT|KEY_WRONG/ });
    }
    for (const bytes of damage.slice(1)) {
      await expect(gather(sealing.unseal(inChunks(bytes)))).rejects.toMatchObject({ code: 'OBJECT_CORRUPT' });
    }
  });

  it.each(ENGINES)('hands on what the source throws, with %s', async (_name, useProgram) => {
    const sealing = await open(useProgram);
    const failing = async function* () {
      yield randomBytes(100_000);
      throw new Error('the source broke');
    };
    await expect(gather(sealing.seal(failing()))).rejects.toThrow('the source broke');
  });

  it('ends the program when nobody reads on', async () => {
    const sealing = await open(true);
    let asked = 0;
    let closed = false;
    const endless = async function* () {
      try {
        for (;;) {
          asked += 1;
          yield Buffer.alloc(65_536);
        }
      } finally {
        closed = true;
      }
    };
    for await (const _ of sealing.seal(endless())) break;
    for (const deadline = Date.now() + 120_000; !closed && Date.now() < deadline; ) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    // Not much more than fits into the pipes was read.
    expect({ closed, little: asked < 100 }).toEqual({ closed: true, little: true });
  });
});

describe('An identity file', () => {
  const opening = (identityFile: string): Promise<Sealing> =>
    openSealing({ recipients: [own.recipient], identityFile, searchPath });

  it('that is not there counts as none, so that one configuration serves both hosts', async () => {
    const sealing = await opening(path.join(scratch, 'nowhere'));
    expect(sealing.canUnseal).toBe(false);
    await expect(sealing.unsealBuffer(Buffer.from('x'))).rejects.toMatchObject({
      code: 'KEY_MISSING',
      message: `What is read is encrypted, and there is no identity file ${path.join(scratch, 'nowhere')}.`,
    });
  });

  it('that cannot be read counts as none too, and is told with the reason where it is needed', async () => {
    // A folder, because nothing is unreadable for root.
    const sealing = await opening(scratch);
    expect(sealing.canUnseal).toBe(false);
    const sealed = await sealing.sealBuffer(Buffer.from('x'));
    expect(await (await open(true)).unsealBuffer(sealed)).toEqual(Buffer.from('x'));
    await expect(sealing.unsealBuffer(sealed)).rejects.toMatchObject({
      code: 'KEY_MISSING',
      message: expect.stringMatching(`, and the identity file ${scratch} cannot be read: .*EISDIR`),
    });
  });

  it('without a secret key is refused, whatever else it is', async () => {
    const file = path.join(scratch, 'public');
    writeFileSync(file, `${own.recipient}\n`);
    await expect(opening(file)).rejects.toMatchObject({ code: 'KEY_WRONG', message: expect.stringContaining(file) });
  });

  it('never shows up in an error', async () => {
    const [secret] = readFileSync(other.identityFile, 'utf8').match(/AGE-SECRET-KEY-\S+/) ?? [];
    const sealed = await (await open(true)).sealBuffer(Buffer.from('x'));
    const failure = await (await open(true, other.identityFile)).unsealBuffer(sealed).catch((error: Error) => error);
    expect(secret).toBeDefined();
    expect(String(failure) + JSON.stringify(failure)).not.toContain(secret);
  });
});

function flipped(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at]! ^= 1;
  return copy;
}
