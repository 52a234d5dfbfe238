import { constants } from 'node:fs';
import { chown, cp, lchown, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { ConnectionSettings } from '../../config/connection.ts';
import type { StoreConfig } from '../../config/schema.ts';
import type { RunContext } from '../../core/context.ts';
import { endAll } from '../../postgres/abandoned-servers.ts';
import { initCluster, type ServerPrograms, startServer, stopServer } from '../../postgres/cluster.ts';
import { releaseSharedMemory } from '../../postgres/killed-server.ts';
import { renderSettings, serverSettings } from '../../postgres/settings.ts';
import { makeSocketDirectory, removeWithSockets } from '../../postgres/socket-directory.ts';
import { processesIn } from '../../programs/process.ts';
import type { SystemUser } from '../../programs/run.ts';
import { type ArchiveProgram, writeArchiveProgram } from '../../repository/archive-program.ts';

/** Where and as whom private clusters run. */
export interface Site {
  readonly programs: ServerPrograms;
  readonly user: SystemUser | undefined;
}

export type Settings = Readonly<Record<string, string>>;

const SUPERUSER = 'structdb_scenario';
/** PostgreSQL's default (initdb --wal-segsize), in bytes. */
const SEGMENT_BYTES = 16 * 1024 * 1024;
/** Everything behind this line is written anew at each start. */
const OWN_SETTINGS = '\n# Added by structdb\n';

/**
 * A cluster that is there to be broken: with the server settings that structdb recommends, archiving on through `wal.mjs`,
 * fsync on, and reached through a socket in a private folder only.
 */
export class PrivateCluster {
  readonly site: Site;
  /** Holds the data directory, the log and the archive program. */
  readonly directory: string;
  readonly dataDirectory: string;
  readonly connection: ConnectionSettings;
  readonly #socketDirectory: string;
  #archive: ArchiveProgram | undefined;

  private constructor(site: Site, directory: string, socketDirectory: string) {
    this.site = site;
    this.directory = directory;
    this.dataDirectory = path.join(directory, 'data');
    this.#socketDirectory = socketDirectory;
    this.connection = Object.freeze({
      host: socketDirectory,
      port: 5432,
      database: 'postgres',
      user: SUPERUSER,
      tls: { mode: 'disable' as const },
      connectTimeoutMs: 10_000,
      source: 'a private cluster',
    });
  }

  /** A place for a cluster; there is none in it yet. */
  static async at(site: Site, directory: string): Promise<PrivateCluster> {
    await mkdir(directory, { mode: 0o711 });
    const socketDirectory = await makeSocketDirectory(directory, site.user);
    if (site.user) await chown(directory, site.user.uid, site.user.gid);
    return new PrivateCluster(site, directory, socketDirectory);
  }

  get major(): number {
    return this.site.programs.postgres.major;
  }

  /** Of the archive program. */
  get archiveCommand(): string {
    return this.#archive?.archiveCommand ?? '';
  }

  async initialise(context: RunContext): Promise<void> {
    const { site, dataDirectory } = this;
    await initCluster({ ...site, dataDirectory, superuser: SUPERUSER, settings: {}, throwaway: true }, context);
  }

  /** Takes over the data directory of a cluster that is stopped. */
  async copyFrom(other: PrivateCluster): Promise<void> {
    // Blocks are shared where the file system can.
    await cp(other.dataDirectory, this.dataDirectory, { recursive: true, mode: constants.COPYFILE_FICLONE });
    const { user } = this.site;
    if (user) await giveTo(user, this.dataDirectory);
  }

  /** Lays down the archive program, for a store of its own. */
  async archiveInto(store: StoreConfig, systemIdentifier: string): Promise<ArchiveProgram> {
    const choices = { store, systemIdentifier, segmentSizeBytes: SEGMENT_BYTES, major: this.major };
    this.#archive = await writeArchiveProgram(path.join(this.directory, 'archive'), choices, this.site.user);
    return this.#archive;
  }

  async start(settings: Settings, context: RunContext): Promise<void> {
    const conf = path.join(this.dataDirectory, 'postgresql.conf');
    const [common] = (await readFile(conf, 'utf8')).split(OWN_SETTINGS);
    const own = {
      ...serverSettings(this.major),
      archive_command: this.archiveCommand,
      listen_addresses: '',
      unix_socket_directories: this.#socketDirectory,
      port: '5432',
      ...settings,
    };
    await writeFile(conf, common + OWN_SETTINGS + renderSettings(own));
    await startServer({ ...this.#server(), logFile: path.join(this.directory, 'server.log') }, context);
  }

  async stop(mode: 'fast' | 'immediate' = 'fast'): Promise<void> {
    await stopServer({ ...this.#server(), mode });
  }

  /** The end of the server's log. */
  async lastWords(): Promise<string[]> {
    const log = await readFile(path.join(this.directory, 'server.log'), 'utf8').catch(() => '');
    return log.trim().split('\n').slice(-6);
  }

  /** SIGKILL to every process of the server, as when the machine loses power: nothing more is flushed. */
  async kill(): Promise<void> {
    for (;;) {
      const running = await processesIn(this.dataDirectory);
      if (running.length === 0) break;
      for (const pid of running) {
        try {
          process.kill(pid, 'SIGKILL');
        } catch {
          // It has ended by itself.
        }
      }
      await wait(10);
    }
    // The system may know the number of a dead server for a while, and PostgreSQL would not start beside it.
    for (const lock of await readdir(this.#socketDirectory)) {
      await rm(path.join(this.#socketDirectory, lock), { force: true });
    }
    await releaseSharedMemory(this.#server());
  }

  /** The server dies, and its data directory is gone. */
  async destroy(): Promise<void> {
    await this.kill();
    await rm(this.dataDirectory, { recursive: true, force: true });
  }

  /** Stops what runs and removes everything, whatever state it is in. */
  async remove(): Promise<void> {
    await endAll(this.directory);
    await removeWithSockets(this.directory);
  }

  #server() {
    return { programs: this.site.programs, user: this.site.user, dataDirectory: this.dataDirectory };
  }
}

async function giveTo(user: SystemUser, directory: string): Promise<void> {
  await lchown(directory, user.uid, user.gid);
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    const file = path.join(directory, entry.name);
    if (entry.isDirectory()) await giveTo(user, file);
    else await lchown(file, user.uid, user.gid);
  }
}
