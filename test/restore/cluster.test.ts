import path from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import {
  type ClusterRestoreOptions,
  performClusterRestore,
  planClusterRestore,
  type ReplayResult,
  replayRestored,
} from '../../src/restore/index.ts';
import type { Store } from '../../src/storage/store.ts';
import { testContext } from '../support/context.ts';
import { testPlaces } from '../support/environment.ts';
import { scratchDirectory } from '../support/scratch.ts';
import {
  type Marker,
  readMarkers,
  type SourceCluster,
  sourceCluster,
  takeBackup,
  writeMarkers,
} from './cluster-support.ts';

let scratch: string;
let store: Store;
let source: SourceCluster;
let markers: Marker[] = [];
let count = 0;

function options(more: Partial<ClusterRestoreOptions> = {}): ClusterRestoreOptions {
  count += 1;
  return {
    store,
    walStore: store,
    label: 'latest',
    targetDirectory: path.join(scratch, `restored-${count}`),
    target: { kind: 'latest' },
    tablespaces: new Map(),
    places: testPlaces(),
    ...more,
  };
}

/** Restores, replays, and gives what the copy holds. */
async function restored(more: Partial<ClusterRestoreOptions> = {}): Promise<{ rows: Marker[]; replay: ReplayResult }> {
  const context = testContext();
  const plan = await planClusterRestore(options(more), context);
  const result = await performClusterRestore(plan, context);
  const replay = await replayRestored(result, { settings: { fsync: 'off' } }, context);
  try {
    return { rows: await readMarkers(replay.connection), replay };
  } finally {
    await replay.stop();
  }
}

beforeAll(async () => {
  scratch = await scratchDirectory();
  source = await sourceCluster(scratch);
  store = source.store;
  markers = await writeMarkers(source.connection, ['before the backup', 'another']);
  await takeBackup(source);
  markers.push(...(await writeMarkers(source.connection, ['behind the backup', "it's \\ odd", 'ünïcode'])));
  await source.archive();
});

describe('the newest state', () => {
  it('has every commit that was archived, row by row', async () => {
    const { rows, replay } = await restored();
    expect(rows).toEqual(markers);
    expect(replay.timeline).toBe(2);
  });
});
