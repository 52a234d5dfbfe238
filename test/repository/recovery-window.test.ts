import { describe, expect, it } from '@jest/globals';
import { formatLsn } from '../../src/core/lsn.ts';
import type { ClusterManifest } from '../../src/repository/manifest.ts';
import { type ClusterBackup, type WalView, windowsOf } from '../../src/repository/recovery-window.ts';
import { openRepository } from '../../src/repository/repository.ts';
import type { Ancestor } from '../../src/repository/timeline.ts';
import { parseTransactionEnd } from '../../src/repository/wal-contents.ts';
import { segmentName } from '../../src/repository/wal-names.ts';
import { openDirectoryStore } from '../../src/storage/directory-store.ts';
import { testContext } from '../support/context.ts';

const SIZE = 16 * 1024 * 1024;
const repository = openRepository(openDirectoryStore({ path: '/nonexistent', uid: undefined }), '7000000000000000001');
const hour = (n: number) => new Date(Date.UTC(2026, 0, 1, n));

/** A base backup that began and ended in that segment, at that hour. */
function base(segment: number, hours: number, more: Partial<ClusterManifest> = {}): ClusterBackup {
  const lsn = (offset: number) => formatLsn(BigInt(segment) * BigInt(SIZE) + BigInt(offset));
  const label = `backup of hour ${hours}`;
  const manifest = {
    label,
    systemIdentifier: repository.systemIdentifier,
    timeline: 1,
    startLsn: lsn(40),
    stopLsn: lsn(400),
    stoppedAt: hour(hours).toISOString(),
    walSegmentBytes: SIZE,
    walIncluded: true,
    server: { major: 15 },
    ...more,
  } as unknown as ClusterManifest;
  return { entry: { repository, label, parts: { at: hour(hours), kind: 'base' } }, manifest };
}

/** Segments, each stored at the hour of its number. */
function view(names: readonly string[], histories: ReadonlyMap<number, readonly Ancestor[]> = new Map()): WalView {
  const file = (name: string) => ({
    name,
    key: name,
    sizeBytes: 1,
    modifiedAt: hour(Number.parseInt(name.slice(16), 16)),
  });
  const listing = {
    segments: new Map(names.map((name) => [name, file(name)])),
    partials: [],
    histories: new Map(),
    others: [],
  };
  return { repository, listing, histories };
}

const run = (timeline: number, from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => segmentName(timeline, BigInt(from + index), SIZE));

describe('recovery windows', () => {
  it('begin where the oldest backup ended, and end no later than the last segment was stored', async () => {
    const windows = await windowsOf([base(2, 2), base(5, 5)], view(run(1, 1, 9)), testContext());
    expect(windows).toMatchObject([
      {
        from: hour(2).toISOString(),
        to: hour(9).toISOString(),
        toSource: 'upload',
        missing: null,
        bases: ['backup of hour 2', 'backup of hour 5'],
      },
    ]);
  });

  it('are two where a segment is missing, and the first one names it', async () => {
    const names = [...run(1, 1, 4), ...run(1, 6, 9)];
    const windows = await windowsOf([base(2, 2), base(7, 7)], view(names), testContext());
    expect(windows).toMatchObject([
      { from: hour(2).toISOString(), to: hour(4).toISOString(), missing: run(1, 5, 5)[0] },
      { from: hour(7).toISOString(), to: hour(9).toISOString(), missing: null },
    ]);
  });

  it('are the end of a backup where nothing follows, and none where its own WAL is gone', async () => {
    expect(await windowsOf([base(2, 2)], view([]), testContext())).toMatchObject([
      { from: hour(2).toISOString(), to: hour(2).toISOString(), toSource: 'backup' },
    ]);
    expect(await windowsOf([base(2, 2, { walIncluded: false })], view([]), testContext())).toEqual([]);
  });

  it('are told for each timeline that went on by itself', async () => {
    const switchLsn = BigInt(4) * BigInt(SIZE) + 500n;
    const histories = new Map([[2, [{ timeline: 1, switchLsn }]]]);
    const windows = await windowsOf([base(2, 2)], view([...run(1, 1, 8), ...run(2, 4, 6)], histories), testContext());
    expect(windows.map(({ timeline, to }) => [timeline, to]).sort()).toEqual([
      [1, hour(8).toISOString()],
      [2, hour(6).toISOString()],
    ]);
  });
});

describe('what pg_waldump says of a transaction', () => {
  const line = (rest: string) =>
    `rmgr: Transaction len (rec/tot):     34/    34, tx:        735, lsn: 0/0155D4F8, prev 0/0155D4C0, desc: ${rest}`;

  it('is its time to the microsecond, its number, and whether it was committed', () => {
    expect(parseTransactionEnd(line('COMMIT 2026-11-25 02:03:04.123456 UTC; subxacts: 736'))).toEqual({
      at: new Date('2026-11-25T02:03:04.123Z'),
      atMicros: BigInt(Date.UTC(2026, 10, 25, 2, 3, 4, 123)) * 1000n + 456n,
      lsn: 0x155d4f8n,
      xid: '735',
      committed: true,
    });
    expect(parseTransactionEnd(line('ABORT 2026-11-25 02:03:04.000001 UTC'))).toMatchObject({ committed: false });
    const prepared = line('COMMIT_PREPARED 700: 2026-11-25 02:03:04.000001 UTC');
    expect(parseTransactionEnd(prepared)).toMatchObject({ xid: '700', committed: true });
    expect(parseTransactionEnd(line('ASSIGNMENT xtop 735: subxacts: 736'))).toBeUndefined();
  });
});
