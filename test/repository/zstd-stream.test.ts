import { zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decompressed } from '../../src/repository/zstd-stream.ts';

async function* inPieces(bytes: Buffer, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function collect(stream: AsyncIterable<Buffer>): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of stream) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

describe('a Zstandard stream', () => {
  it('is read to its end, however many frames it has and however it is cut into pieces', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ maxLength: 300 }), { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 1, max: 80 }),
        async (texts, size) => {
          const stored = Buffer.concat(texts.map((text) => zstdCompressSync(text)));
          expect(await collect(decompressed(inPieces(stored, size), 'it'))).toBe(texts.join(''));
        },
      ),
      { numRuns: 60 },
    );
  });

  it('that is cut or altered is refused, and an error of its source comes through', async () => {
    const stored = zstdCompressSync('beam '.repeat(1000));
    const cut = collect(decompressed(inPieces(stored.subarray(0, stored.length - 4), 10), 'base.tar.zst'));
    await expect(cut).rejects.toMatchObject({
      code: 'BACKUP_CORRUPT',
      message: expect.stringContaining('base.tar.zst'),
    });
    await expect(collect(decompressed(inPieces(Buffer.from('no such thing'), 5), 'it'))).rejects.toMatchObject({
      code: 'BACKUP_CORRUPT',
    });
    const failing = (async function* () {
      yield stored.subarray(0, 10);
      throw new Error('the store went away');
    })();
    await expect(collect(decompressed(failing, 'it'))).rejects.toThrow('the store went away');
  });

  it('can be left early', async () => {
    const stored = zstdCompressSync('x'.repeat(10_000_000));
    for await (const piece of decompressed(inPieces(stored, 100), 'it')) {
      expect(piece.length).toBeGreaterThan(0);
      break;
    }
  });
});
