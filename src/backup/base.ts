import { availableParallelism } from 'node:os';
import { Readable } from 'node:stream';
import { constants, createZstdCompress } from 'node:zlib';
import type pg from 'pg';
import { type ConnectionSettings, describeConnection } from '../config/connection.ts';
import type { Config } from '../config/schema.ts';
import type { RunContext } from '../core/context.ts';
import { codeOf, messageOf, StructdbError } from '../core/errors.ts';
import { asStep } from '../core/progress.ts';
import { formatBytes } from '../core/units.ts';
import {
  type BaseBackupEnd,
  type BaseBackupRequest,
  identifySystem,
  takeBaseBackup,
  withReplication,
} from '../postgres/base-backup.ts';
import type { ManifestPart } from '../repository/manifest.ts';
import { writePart } from '../repository/parts.ts';
import type { Repository } from '../repository/repository.ts';

/** PostgreSQL's list of every file of a base backup with its checksum; pg_verifybackup and increments read it. */
export const BACKUP_MANIFEST = 'backup_manifest';

export interface CopyOptions {
  readonly connection: ConnectionSettings;
  readonly repository: Repository;
  readonly label: string;
  /** Of the cluster that is meant. */
  readonly systemIdentifier: string;
  readonly compression: Config['backup']['compression'];
  /** The backup_manifest of the parent, for an increment; asked for once per attempt. */
  readonly parentManifest?: (() => AsyncIterable<Uint8Array>) | undefined;
}

export interface Copied {
  readonly end: BaseBackupEnd;
  readonly parts: readonly ManifestPart[];
  /** `zstd level 3 on the server`. */
  readonly compression: string;
}

/** Where and how archives are compressed. */
type Way = 'server' | 'server, one thread' | 'here';

/**
 * Copies the cluster into parts of the backup, straight from the server's stream into the store. The server compresses;
 * one that was built without Zstandard sends plain archives, which are compressed here.
 */
export async function copyCluster(options: CopyOptions, context: RunContext): Promise<Copied> {
  const what = options.parentManifest ? 'what changed of the cluster' : 'the cluster';
  return asStep(
    context,
    'backup.copy',
    `Copying ${what}`,
    async () => {
      let way: Way = 'server';
      for (;;) {
        try {
          return await copy(options, way, context);
        } catch (error) {
          const next = nextWay(way, error);
          if (!next) throw checksumFailure(error);
          way = next;
          if (way === 'here') {
            context.report({
              kind: 'notice',
              message: 'The server was built without Zstandard: the copy is compressed here, in one thread.',
            });
          }
        }
      }
    },
    ({ parts }) => `Copied ${what} (${formatBytes(parts.reduce((sum, part) => sum + part.sizeBytes, 0))})`,
  );
}

/** A server refuses a compression that it cannot do before it sends anything. */
function nextWay(way: Way, error: unknown): Way | undefined {
  const message = messageOf(error);
  if (way === 'server' && /compression worker/i.test(message)) return 'server, one thread';
  if (way !== 'here' && /zstd|Zstandard/i.test(message) && /not supported|does not support/i.test(message))
    return 'here';
  return undefined;
}

async function copy(options: CopyOptions, way: Way, context: RunContext): Promise<Copied> {
  const { connection, repository, label, compression, parentManifest } = options;
  const level = compression.level;
  const workers = compression.threads === 0 ? availableParallelism() : compression.threads;
  const request: BaseBackupRequest = {
    label,
    compression: way === 'here' ? undefined : { level, workers: way === 'server' ? workers : undefined },
    parentManifest: parentManifest?.(),
  };
  const parts: ManifestPart[] = [];
  let total = 0;
  const sink = {
    onBegin: ({ tablespaces }: Pick<BaseBackupEnd, 'tablespaces'>) => {
      total = tablespaces.reduce((sum, { estimatedBytes }) => sum + estimatedBytes, 0);
    },
    onArchive: async (name: string, body: AsyncIterable<Buffer>) => {
      const plain = name !== BACKUP_MANIFEST && way === 'here';
      if (!/^((base|\d+)\.tar(\.zst)?|backup_manifest)$/.test(name)) {
        throw new StructdbError('PROGRAM_FAILED', `The server sent an archive named "${name}".`);
      }
      const stored = plain ? compressed(body, level) : body;
      parts.push(await writePart(repository, label, plain ? `${name}.zst` : name, stored));
    },
    onProgress: (done: number) =>
      // The estimate was made before the copy: a database grows meanwhile.
      context.report({ kind: 'progress', step: 'backup.copy', done, total: Math.max(total, done), unit: 'bytes' }),
  };
  const end = await withReplication(connection, context, async (client: pg.Client) => {
    await requireSameCluster(client, options);
    return takeBaseBackup(client, request, sink);
  });
  return { end, parts, compression: `zstd level ${level} ${way === 'here' ? 'in structdb' : 'on the server'}` };
}

/** A proxy between may send two connections to two servers. @throws REPOSITORY_MISMATCH */
async function requireSameCluster(client: pg.Client, { systemIdentifier, connection }: CopyOptions): Promise<void> {
  const found = await identifySystem(client);
  if (found.systemIdentifier === systemIdentifier) return;
  throw new StructdbError(
    'REPOSITORY_MISMATCH',
    `${describeConnection(connection)} leads to another cluster for replication: ${found.systemIdentifier} instead of ${systemIdentifier}.`,
    { hint: 'Name the server itself, not a proxy; nothing was written.' },
  );
}

function compressed(body: AsyncIterable<Buffer>, level: number): AsyncIterable<Buffer> {
  const params = { [constants.ZSTD_c_compressionLevel]: level, [constants.ZSTD_c_checksumFlag]: 1 };
  const source = Readable.from(body, { objectMode: false });
  const compressor = createZstdCompress({ params });
  source.on('error', (error) => compressor.destroy(error));
  return source.pipe(compressor);
}

/** The server compares the checksum of every page that it copies. */
function checksumFailure(error: unknown): unknown {
  if (codeOf(error) !== 'SQL_FAILED' || !/checksum verification failure/.test(messageOf(error))) return error;
  return new StructdbError(
    'SOURCE_CORRUPT',
    'The server found damaged pages while it copied them: no backup was made.',
    {
      cause: error,
      hint: "Its log names the files. Keep the last good backup (structdb backup pin <label>), then restore it or repair the server's disk.",
    },
  );
}
