import { createHash } from 'node:crypto';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { formatLsn, type Lsn } from '../../src/core/lsn.ts';
import { listBackups, readManifest, recordVerification, writeManifest } from '../../src/repository/backups.ts';
import { type BackupKind, formatLabel } from '../../src/repository/label.ts';
import type { Manifest, Tier } from '../../src/repository/manifest.ts';
import { ensureRepository, type Repository } from '../../src/repository/repository.ts';
import { segmentName, segmentNumberAt } from '../../src/repository/wal-names.ts';
import { readObject, type Store } from '../../src/storage/store.ts';
import { sql } from '../support/postgres.ts';
import { actor } from './support.ts';

/** A backup that is planted into a repository: listed and described as a real one, with parts that nobody restores. */
export interface Planted {
  readonly kind?: BackupKind;
  readonly database?: string;
  readonly at: Date;
  readonly tiers?: readonly Tier[];
  readonly parent?: string;
  readonly verified?: boolean | undefined;
  readonly startLsn?: Lsn;
}

export const SEGMENT_BYTES = 16 * 1024 * 1024;

/** The repository of the server's own cluster in a store, as a first backup makes it. */
export async function ownRepository(store: Store, connection: ConnectionSettings): Promise<Repository> {
  const systemIdentifier = await sql(connection, async (client) => {
    const { rows } = await client.query<{ id: string }>(
      'select system_identifier::text as id from pg_control_system()',
    );
    return rows[0]!.id;
  });
  return ensureRepository(store, { systemIdentifier, postgresMajor: 15, walSegmentBytes: SEGMENT_BYTES });
}

/** Writes parts, manifest and verification. Returns the label. */
export async function plant(repository: Repository, planted: Planted): Promise<string> {
  const { kind = 'dump', at, tiers = ['daily'], verified = true, startLsn = 0n } = planted;
  const database = kind === 'dump' ? (planted.database ?? 'app') : undefined;
  const label = formatLabel({ at, kind, database });
  const parts = [];
  for (const name of ['one', 'two']) {
    const body = Buffer.from(`${label} ${name}`);
    await repository.store.putIfAbsent(repository.keys.part(label, name), body);
    parts.push({ name, sizeBytes: body.length, sha256: createHash('sha256').update(body).digest('hex') });
  }
  const common = {
    format: 1 as const,
    label,
    tiers: [...tiers],
    purpose: 'schedule',
    keepLast: null,
    systemIdentifier: repository.systemIdentifier,
    startedAt: at.toISOString(),
    stoppedAt: at.toISOString(),
    durationMs: 1,
    startLsn: formatLsn(startLsn),
    stopLsn: formatLsn(startLsn + 100n),
    parts,
    actor,
    source: 'postgres://somewhere/app',
    store: repository.store.location,
    server: { version: '15.18', major: 15, dataChecksums: true, tablespaces: [] },
  };
  const manifest: Manifest =
    kind === 'dump' ? { ...common, ...dumpFacts(database!) } : { ...common, ...clusterFacts(kind, planted.parent) };
  await writeManifest(repository, manifest);
  const entry = { repository, label, parts: { at, kind, database } };
  await recordVerification(
    entry,
    { ok: verified, problems: [], method: 'read' },
    { now: () => at, monotonicMs: () => 0 },
  );
  return label;
}

/** Archives empty segments from `from` on. Returns their names. */
export async function plantWal(repository: Repository, from: Lsn, count: number): Promise<string[]> {
  const names: string[] = [];
  for (let n = 0n; n < BigInt(count); n += 1n) {
    const name = segmentName(1, segmentNumberAt(from, SEGMENT_BYTES) + n, SEGMENT_BYTES);
    await repository.store.putIfAbsent(`${repository.keys.wal('00000001', name)}.zst`, Buffer.from('wal'));
    names.push(name);
  }
  return names;
}

/** What is wrong with a repository: a listed backup lacks a part or its parent, or a folder is no backup. */
export async function findFlaws(repository: Repository): Promise<string[]> {
  const { store, keys } = repository;
  const flaws: string[] = [];
  const entries = await listBackups(repository);
  const labels = entries.map(({ label }) => label);
  for (const entry of entries) {
    const manifest = await readManifest(entry);
    for (const { name } of manifest.parts) {
      const body = await readObject(store, keys.part(entry.label, name)).catch(() => undefined);
      if (!body) flaws.push(`${entry.label} lacks ${name}`);
    }
    if (manifest.kind === 'incremental' && !labels.includes(manifest.parent))
      flaws.push(`${entry.label} lacks its parent`);
  }
  return flaws;
}

/** Folders of backups that hold something and are none. */
export async function findLeftovers({ store, keys }: Repository): Promise<string[]> {
  const left: string[] = [];
  for (const label of await store.folders(keys.backups)) {
    if (!(await store.head(keys.manifest(label)))) left.push(label);
  }
  return left;
}

function dumpFacts(name: string) {
  return {
    kind: 'dump' as const,
    timeline: 1,
    tools: { structdb: '0', pgDump: '15', pgDumpall: '15' },
    extensions: [],
    globals: { included: false, passwords: false, reason: null },
    tables: [],
    sequences: [],
    structure: {},
    database: {
      name,
      oid: 1,
      owner: 'ada',
      comment: null,
      encoding: 'UTF8',
      localeProvider: 'libc',
      collate: 'C',
      ctype: 'C',
      locale: null,
      icuRules: null,
      collationVersion: null,
      actualCollationVersion: null,
      tablespace: 'pg_default',
      connectionLimit: -1,
      settings: [],
      privileges: null,
    },
  };
}

function clusterFacts(kind: 'base' | 'incremental', parent: string | undefined) {
  return {
    ...(kind === 'base' ? { kind, parent: null } : { kind, parent: parent! }),
    timeline: 1,
    tools: { structdb: '0', compression: 'zstd' },
    walSegmentBytes: SEGMENT_BYTES,
    walIncluded: true,
    walSegments: { first: '0'.repeat(24), last: '0'.repeat(24) },
    fromStandby: false,
    plainBytes: 1,
    tablespaces: [],
    configFiles: [],
    databases: [],
    requiredSettings: {},
    preloadLibraries: [],
    superuser: null,
    warnings: [],
  };
}

const DAY = 86_400_000;

export const ago = (days: number) => new Date(Date.now() - days * DAY);
export const at = (segments: number): Lsn => BigInt(segments * SEGMENT_BYTES);

/** Two months of a cluster: dumps, base backups with an increment, WAL, and dumps of another database. */
export async function plantTwoMonths(repository: Repository, database: string) {
  const today = await plant(repository, { database, at: ago(0) });
  const lastMonth = await plant(repository, { database, at: ago(31) });
  const others = await plant(repository, { database: 'other', at: ago(500) });
  const newerOthers = await plant(repository, { database: 'other', at: ago(400) });
  const oldest = await plant(repository, { kind: 'base', at: ago(90), tiers: ['weekly'], startLsn: at(1) });
  const old = await plant(repository, { kind: 'base', at: ago(86), tiers: ['weekly'], startLsn: at(2) });
  const increment = await plant(repository, { kind: 'incremental', at: ago(85), tiers: ['daily'], parent: old });
  const anchor = await plant(repository, { kind: 'base', at: ago(8), tiers: ['weekly'], startLsn: at(4) + 7n });
  const newest = await plant(repository, { kind: 'base', at: ago(0), tiers: ['weekly', 'monthly'], startLsn: at(7) });
  const wal = await plantWal(repository, at(1), 8);
  return { today, lastMonth, others, newerOthers, oldest, old, increment, anchor, newest, wal };
}
