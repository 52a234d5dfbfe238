import { promisify } from 'node:util';
import { constants, zstdCompress, zstdDecompressSync } from 'node:zlib';
import { releaseBuffer } from '../core/streamed.ts';

const compressFrame = promisify(zstdCompress);

/** A 16 MiB segment becomes four frames, compressed at the same time. */
export const FRAME_BYTES = 4 * 1024 * 1024;
const LEVEL = {
  chunkSize: FRAME_BYTES / 2,
  params: { [constants.ZSTD_c_compressionLevel]: 1, [constants.ZSTD_c_checksumFlag]: 1 },
};

/** Compresses in frames, one after the other in the result: what `zstd -d` reads as one file (RFC 8878, section 3). */
export async function compress(content: Buffer): Promise<Buffer> {
  const frames: Promise<Buffer>[] = [];
  for (let start = 0; start === 0 || start < content.length; start += FRAME_BYTES) {
    frames.push(compressFrame(content.subarray(start, start + FRAME_BYTES), LEVEL));
  }
  const compressed = await Promise.all(frames);
  const whole = Buffer.concat(compressed);
  compressed.forEach(releaseBuffer);
  return whole;
}

/** The content of all frames; Node's own function stops behind the first. @throws the error of zlib when it is damaged */
export function decompress(stored: Buffer): Buffer {
  const frames = [...decompressEach(stored)];
  const whole = Buffer.concat(frames);
  frames.forEach(releaseBuffer);
  return whole;
}

/** The content frame by frame: as much memory as one frame. @throws the error of zlib when it is damaged */
export function* decompressEach(stored: Buffer): Generator<Buffer> {
  for (let rest = stored; rest.length > 0; ) {
    const { buffer, engine } = zstdDecompressSync(rest, { info: true, chunkSize: FRAME_BYTES }) as unknown as {
      buffer: Buffer;
      engine: { bytesWritten: number };
    };
    yield buffer;
    if (engine.bytesWritten <= 0) throw new Error('a frame without bytes');
    rest = rest.subarray(engine.bytesWritten);
  }
}
