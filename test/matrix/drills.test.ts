import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { runBackup } from '../../src/backup/index.ts';
import type { StoreConfig } from '../../src/config/schema.ts';
import { configSchema } from '../../src/config/schema.ts';
import { runBaseDrill, type ScenarioName } from '../../src/drill/index.ts';
import { scenarios } from '../../src/drill/scenarios/all.ts';
import { playScenario, withTemplate } from '../../src/drill/scenarios/run.ts';
import type { Template } from '../../src/drill/scenarios/template.ts';
import type { SearchPlaces } from '../../src/programs/find.ts';
import { serverUser } from '../../src/programs/system-user.ts';
import { openStoreOf } from '../../src/storage/open-store.ts';
import type { Store } from '../../src/storage/store.ts';
import { actor } from '../backup/support.ts';
import { deviationsBesidesTime } from '../drill/support.ts';
import { testContext } from '../support/context.ts';
import { testEnvironment, testPlaces } from '../support/environment.ts';
import { otherMajor } from '../support/other-major.ts';
import { sql } from '../support/postgres.ts';
import { describeS3, freshBucket } from '../support/s3.ts';
import { scratchDirectory } from '../support/scratch.ts';

const scratch = await scratchDirectory();
const objectives = { rto: 15 * 60_000, rpo: 5 * 60_000 };
let encryption: NonNullable<StoreConfig['encryption']>;

beforeAll(async () => {
  const identity = await generateX25519Identity();
  const identityFile = path.join(scratch, 'identity.txt');
  writeFileSync(identityFile, `${identity}\n`, { mode: 0o644 });
  encryption = { recipients: [await identityToRecipient(identity)], identityFile };
});

const places = async (major: 15 | 18): Promise<SearchPlaces> =>
  major === 15 ? testPlaces() : (await otherMajor(18)).places;

const open = async (settings: StoreConfig): Promise<Store> =>
  openStoreOf(settings, {
    uid: process.geteuid?.(),
    owner: await serverUser(testEnvironment()),
    searchPath: process.env.PATH,
  });

/** Stores below a new bucket, one for each name. */
async function s3Stores(sealed: boolean): Promise<(name: string) => Promise<Store>> {
  const { endpoint, region, accessKeyId, secretAccessKey, bucket } = await freshBucket();
  return (prefix) =>
    open({
      type: 's3',
      bucket,
      prefix,
      endpoint,
      region,
      pathStyle: true,
      accessKeyId,
      secretAccessKey,
      requestTimeout: 60_000,
      ...(sealed ? { encryption } : {}),
    });
}

function sealedDirectories(name: string): Promise<Store> {
  return open({
    type: 'directory',
    path: path.join(scratch, name),
    groupAccess: false,
    encryption,
  });
}

/** Plays on one template; everything must be recovered as promised. */
async function play(
  options: {
    readonly major: 15 | 18;
    readonly openStore: (name: string) => Promise<Store>;
    readonly names: readonly ScenarioName[];
  },
  more: (template: Template, places: SearchPlaces) => Promise<void> = async () => {},
): Promise<void> {
  const { major, openStore, names } = options;
  const where = await places(major);
  await withTemplate({ places: where, major, openStore }, testContext(), async (template) => {
    for (const scenario of scenarios.filter(({ name }) => names.includes(name))) {
      const result = await playScenario(template, scenario, { objectives }, testContext());
      expect([scenario.name, deviationsBesidesTime(result)]).toEqual([scenario.name, []]);
      expect(result.losses.recovered).toBeGreaterThan(0);
    }
    await more(template, where);
  });
}

describe('PostgreSQL 18 with an encrypted directory', () => {
  it('recovers from every scenario; a drill follows a chain of increments, and looks into GIN', async () => {
    const names = scenarios.map(({ name }) => name);
    await play({ major: 18, openStore: sealedDirectories, names }, async (template, where) => {
      await drillOfIncrement(template, where);
      const { recipients } = encryption;
      const locked = await open({ ...template.store.settings!, encryption: { recipients } });
      const drill = runBaseDrill({ baseStores: [locked], places: where, objectives }, testContext());
      await expect(drill).rejects.toMatchObject({ code: 'KEY_MISSING', exitCode: 1 });
    });
  }, 600_000);
});

describeS3('S3', () => {
  it('encrypted, on PostgreSQL 15: the data directory, a segment, server and receiver are lost', async () => {
    const names = ['data-directory-lost', 'wal-lost', 'server-and-receiver-lost'] as const;
    await play({ major: 15, openStore: await s3Stores(true), names });
  }, 600_000);

  it('plain, on PostgreSQL 18: the backup is corrupt, the store is away, a standby takes over', async () => {
    const names = ['backup-corrupt', 'store-unreachable', 'failover'] as const;
    await play({ major: 18, openStore: await s3Stores(false), names }, drillOfIncrement);
  }, 600_000);
});

async function drillOfIncrement({ cluster, store, backups }: Template, where: SearchPlaces): Promise<void> {
  await cluster.start({ autovacuum: 'off' }, testContext());
  try {
    const { connection } = cluster;
    await sql(connection, async (client) => {
      await client.query('create table words (w text[]); create index words_gin on words using gin (w)');
      await client.query(`insert into words select array[md5(i::text), 'x'] from generate_series(1, 500) i`);
    });
    const policy = configSchema.parse({}).backup;
    const common = { connection, store, places: where, policy, actor, purpose: 'run' };
    const made = await runBackup({ ...common, kind: 'incremental' }, testContext());
    const drill = { baseStores: [store], connection, places: where, objectives };
    const { result, verdict } = await runBaseDrill(drill, testContext());
    expect(verdict).toBeUndefined();
    expect(result.chain).toEqual([backups[1], made.label]);
    expect(result.rpo).toMatchObject({ lostCommits: 0, lossMs: 0 });
    expect(result.checks.map(({ name }) => name)).toContain('other indexes');
    expect(result.unchecked).toEqual([]);
  } finally {
    await cluster.stop();
  }
}
