import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { StructdbError } from '../../core/errors.ts';
import { formatLsn } from '../../core/lsn.ts';
import { openRepository, type Repository } from '../../repository/repository.ts';
import { listWal } from '../../repository/wal-archive.ts';
import type { ClusterRestoreResult } from '../../restore/index.ts';
import { damageObject } from './copy-store.ts';
import { recoverFromStore } from './recover.ts';
import type { Scenario, Stage } from './stage.ts';

/** Nobody can bring the segment back; what must not happen is a server that opens without it as if nothing were. */
export const walLost: Scenario = {
  name: 'wal-lost',
  title: 'a WAL segment is corrupt, and then missing, and the data directory is lost',
  protection: 'a restore_command that says "not there" only when the store says so, and a plan that sees holes',
  async run(stage, { unprotected }) {
    await stage.begin();
    const before = await archiveSegment(stage);
    const secured = stage.securedRows;
    const victim = await archiveSegment(stage);
    await archiveSegment(stage);
    await stage.breaks(() => stage.cluster.destroy());
    const repository = openRepository(stage.store, stage.template.systemIdentifier);
    const key = await keyOf(repository, victim);
    await damageObject(stage.store, key);
    if (unprotected) {
      const { endLsn: archivedEnd } = await stage.reach();
      return { connection: await recoverFromStore(stage, { inspect: fetchWithoutTelling }), archivedEnd };
    }
    const deviations = await mustRefuse(stage, victim);
    await stage.store.delete(key);
    // All rows behind it are given up, since nobody has them any more.
    stage.securedRows = secured;
    const { endLsn: archivedEnd, missing } = await stage.reach();
    const connection = await recoverFromStore(stage);
    const told = stage.said.some((line) => line.includes(victim) && line.includes(formatLsn(archivedEnd)));
    if (missing !== victim || !told) deviations.push(`it was not said that ${before} is the last segment of use`);
    return { connection, archivedEnd, deviations, lostBecause: `behind ${victim}, which is gone` };
  },
};

/** Writes some rows, and returns the name of the segment that they are in. */
async function archiveSegment(stage: Stage): Promise<string> {
  await stage.writer.more(10);
  const [current] = await stage.query<{ name: string }>(
    stage.cluster.connection,
    'select pg_walfile_name(pg_current_wal_lsn()) as name',
  );
  await stage.secure();
  return current!.name;
}

async function keyOf(repository: Repository, name: string): Promise<string> {
  return (await listWal(repository)).segments.get(name)!.key;
}

/** A corrupt segment is there by its name: only who reads it notices, and must stop. */
async function mustRefuse(stage: Stage, victim: string): Promise<string[]> {
  try {
    await stage.phase('refused', () => recoverFromStore(stage, { name: 'corrupt' }));
  } catch (error) {
    if (!(error instanceof StructdbError) || error.code === 'INTERRUPTED') throw error;
    stage.said.push(error.message);
    return error.message.includes(victim) ? [] : [`the corrupt segment ${victim} is not what stopped the recovery`];
  }
  return [`the server opened although ${victim} is corrupt`];
}

/** As if the command were `cp`: any failure looks like the end of the WAL. */
async function fetchWithoutTelling({ dataDirectory }: ClusterRestoreResult): Promise<void> {
  const file = path.join(dataDirectory, 'postgresql.auto.conf');
  const text = await readFile(file, 'utf8');
  await writeFile(file, text.replace(/^restore_command = '(.*)'$/m, "restore_command = '( $1 ) || exit 1'"));
}
