import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { compress, decompress } from '../../src/repository/wal-frames.ts';
import { parseWalFileName, segmentNumber, startOfSegment } from '../../src/repository/wal-names.ts';
import { chooseExcess } from '../../src/wal/trim.ts';
import { sql, useServer } from '../support/postgres.ts';

const server = useServer();
const SEGMENT = 16 * 1024 * 1024;

describe('the names of WAL files', () => {
  it('say what they are, and nothing else is taken', () => {
    expect(parseWalFileName('0000000A0000000100000002')).toMatchObject({ kind: 'segment', timeline: '0000000A' });
    expect(parseWalFileName('0000000A0000000100000002.partial').kind).toBe('partial');
    expect(parseWalFileName('0000000A0000000100000002.00000028.backup').kind).toBe('backup');
    expect(parseWalFileName('0000000A.history').kind).toBe('history');
    for (const name of [
      '',
      '0000000a0000000100000002',
      'postgresql.conf',
      '../0000000A.history',
      '0000000A00000001.zst',
    ]) {
      expect(() => parseWalFileName(name)).toThrow(expect.objectContaining({ code: 'WAL_INVALID' }));
    }
  });

  it('give the position that PostgreSQL gives', async () => {
    const numbers = fc.sample(fc.bigInt({ min: 0n, max: (1n << 40n) - 1n }), 200);
    await sql(server.superuser, async (client) => {
      const { rows } = await client.query<{ start: string; name: string }>(
        `select n::text as start, pg_walfile_name(('0/0'::pg_lsn + n::numeric + 1)) as name
          from unnest($1::numeric[]) as n`,
        [numbers.map((number) => String(number * BigInt(SEGMENT)))],
      );
      expect(rows).toHaveLength(200);
      for (const { start, name } of rows) {
        expect(startOfSegment(name, SEGMENT)).toBe(BigInt(start));
        expect(segmentNumber(name, SEGMENT)).toBe(BigInt(start) / BigInt(SEGMENT));
      }
    });
  });
});

describe('what a development archive gives up', () => {
  const segments = fc.uniqueArray(
    fc.record({ key: fc.stringMatching(/^[0-9A-F]{24}$/), sizeBytes: fc.integer({ min: 1, max: SEGMENT }) }),
    { selector: ({ key }) => key, maxLength: 40 },
  );

  it('is the oldest and no more than needed; the newest stays', () => {
    fc.assert(
      fc.property(segments, fc.integer({ min: 0, max: 20 * SEGMENT }), (all, limit) => {
        const excess = chooseExcess(all, limit);
        const sorted = [...all].sort((a, b) => (a.key < b.key ? -1 : 1));
        expect(excess).toEqual(sorted.slice(0, excess.length));
        const size = (of: typeof all) => of.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
        const rest = sorted.slice(excess.length);
        if (all.length > 0) expect(rest).toContain(sorted.at(-1));
        expect(size(rest) <= limit || rest.length <= 1).toBe(true);
        const last = excess.at(-1);
        if (last) expect(size(rest) + last.sizeBytes).toBeGreaterThan(limit);
      }),
    );
  });
});

describe('the frames of a stored file', () => {
  it('give back every byte, at every length', async () => {
    const MiB = 1024 * 1024;
    for (const length of [0, 1, 4 * MiB - 1, 4 * MiB, 4 * MiB + 1, 16 * MiB]) {
      const content = Buffer.alloc(length, 'structdb');
      expect(decompress(await compress(content)).equals(content)).toBe(true);
    }
  });

  it('show each flipped bit', async () => {
    const content = Buffer.from(Array.from({ length: 5000 }, (_, index) => (index * 7919) % 251));
    const packed = await compress(content);
    fc.assert(
      fc.property(fc.nat(packed.length - 1), fc.nat(7), (at, bit) => {
        const damaged = Buffer.from(packed);
        damaged[at]! ^= 1 << bit;
        let read: Buffer | undefined;
        try {
          read = decompress(damaged);
        } catch {
          return true;
        }
        // A bit of the header that changes nothing (a window size) is no damage.
        return read.equals(content);
      }),
    );
  });
});
