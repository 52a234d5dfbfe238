import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { ConnectionSettings } from '../config/connection.ts';
import type { StoreConfig } from '../config/schema.ts';
import type { RunContext } from '../core/context.ts';
import { codeOf, StructdbError } from '../core/errors.ts';
import { withClient } from '../postgres/connect.ts';
import { profiles } from '../postgres/profiles.ts';
import { readWalServer } from '../postgres/replication-slot.ts';
import { baseProgramEnvironment } from '../programs/credentials.ts';
import { findProgram, type SearchPlaces } from '../programs/find.ts';
import { runProgram, type SystemUser } from '../programs/run.ts';
import { writeArchiveProgram } from '../repository/archive-program.ts';
import type { ArchiveChoices } from '../repository/archive-settings.ts';

/** Which server it is: one that answers, or the data directory of one that need not run. */
export type WalSource =
  | { readonly kind: 'server'; readonly connection: ConnectionSettings }
  | { readonly kind: 'data'; readonly directory: string };

export interface WalSetupOptions {
  /** Where the program goes: a folder that the server's user reaches, absolute. */
  readonly directory: string;
  readonly source: WalSource;
  /** Where WAL goes; paths are absolute. */
  readonly store: StoreConfig;
  /** The server's user, where it is another one than runs this. */
  readonly user: SystemUser | undefined;
  readonly places: SearchPlaces;
}

export interface WalSetupResult {
  readonly directory: string;
  readonly systemIdentifier: string;
  /** For postgresql.conf. */
  readonly archiveCommand: string;
  readonly restoreCommand: string;
}

type Cluster = Pick<ArchiveChoices, 'systemIdentifier' | 'segmentSizeBytes' | 'major'>;

/**
 * Lays down the program by which a server that is not the private one archives, for that cluster and no other. Run again
 * after structdb was updated, or the store's settings changed; the commands stay the same.
 * @throws USAGE where there is no data directory; DATA_DIRECTORY_OWNER, PROGRAM_MISSING, what connecting throws
 */
export async function setUpArchive(options: WalSetupOptions, context: RunContext): Promise<WalSetupResult> {
  const { directory, source, store, user, places } = options;
  const cluster =
    source.kind === 'server'
      ? await askServer(source.connection, context)
      : await readControl(source.directory, places);
  const program = await writeArchiveProgram(directory, { ...cluster, store }, user);
  return {
    directory,
    systemIdentifier: cluster.systemIdentifier,
    archiveCommand: program.archiveCommand,
    restoreCommand: program.restoreCommand,
  };
}

async function askServer(connection: ConnectionSettings, context: RunContext): Promise<Cluster> {
  const server = await withClient(connection, profiles.probe, context, readWalServer);
  return {
    systemIdentifier: server.systemIdentifier,
    segmentSizeBytes: server.walSegmentBytes,
    major: server.postgresMajor,
  };
}

/** By pg_controldata, which reads files of its own major only. */
async function readControl(directory: string, places: SearchPlaces): Promise<Cluster> {
  const major = Number.parseInt(await readVersion(directory), 10);
  const program = await findProgram('pg_controldata', places, { major });
  const { stdout } = await runProgram(program, ['--pgdata', directory], {
    env: baseProgramEnvironment,
    doing: `Reading the control file of ${directory}`,
  });
  const field = (name: string) => new RegExp(`^${name}:\\s+(\\d+)$`, 'm').exec(stdout)?.[1];
  const systemIdentifier = field('Database system identifier');
  const segment = field('Bytes per WAL segment');
  if (!systemIdentifier || !segment) {
    throw new StructdbError('PROGRAM_FAILED', `pg_controldata says nothing of ${directory} that can be understood.`);
  }
  return { systemIdentifier, segmentSizeBytes: Number(segment), major };
}

async function readVersion(directory: string): Promise<string> {
  try {
    return await readFile(path.join(directory, 'PG_VERSION'), 'utf8');
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT' || codeOf(cause) === 'ENOTDIR') {
      throw new StructdbError('USAGE', `${directory} is no data directory of PostgreSQL.`, {
        cause,
        hint: 'Name the folder that the server says: SHOW data_directory',
      });
    }
    throw new StructdbError('DATA_DIRECTORY_OWNER', `The data directory ${directory} belongs to another user.`, {
      cause,
      hint: "Run structdb as the server's user, or as root.",
    });
  }
}
