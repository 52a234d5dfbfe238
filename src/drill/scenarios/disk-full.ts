import { closeSync, openSync, statfsSync, writeSync } from 'node:fs';
import { access, chown, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { StructdbError } from '../../core/errors.ts';
import { mountSmallDisk } from '../../programs/small-disk.ts';
import { recoverFromStore } from './recover.ts';
import { NotHere, type Scenario, type Stage } from './stage.ts';

const MIB = 1024 ** 2;
/** What a restored cluster needs, its WAL included, and as much again for a server that works. */
const DISK_BYTES = 512 * MIB;
/** What is left when somebody else fills the disk while the restore runs. */
const LEFT_BYTES = 8 * MIB;

/** A restore that hit a full disk leaves nothing that starts, and can be run again as soon as there is room. */
export const diskFull: Scenario = {
  name: 'disk-full',
  title: 'the data directory is lost, and the disk to restore on fills up during the restore',
  protection: 'room is made, and the restore is run again',
  async run(stage, { unprotected }) {
    const disk = path.join(stage.directory, 'disk');
    const unmount = await mountSmallDisk(disk, DISK_BYTES);
    if (!unmount) throw new NotHere('a small disk can only be mounted by root');
    stage.onClose(unmount);
    const { user } = stage.cluster.site;
    if (user) await chown(disk, user.uid, user.gid);
    await stage.begin();
    await stage.writer.more(20);
    await stage.secure();
    await stage.writer.more(5);
    await stage.breaks(() => stage.cluster.destroy());
    const { endLsn: archivedEnd } = await stage.reach();
    const deviations = await stage.phase('disk full', async () => [
      ...(await mustRefuse(stage, disk)),
      ...(await mustFail(stage, disk)),
    ]);
    if (!unprotected) await rm(fillerOf(disk));
    return { connection: await recoverFromStore(stage, { directory: disk }), archivedEnd, deviations };
  },
};

/** A disk that is too full to begin with: the plan says so, and nothing is touched. */
async function mustRefuse(stage: Stage, disk: string): Promise<string[]> {
  fill(disk);
  const refused = await failureOf(stage, disk);
  const touched = (await readdir(disk)).filter((name) => name !== path.basename(fillerOf(disk)));
  await rm(fillerOf(disk));
  if (touched.length > 0) return [`the refused restore left ${touched.join(', ')}`];
  return refused;
}

/** Room enough for the plan, and none a moment later. */
async function mustFail(stage: Stage, disk: string): Promise<string[]> {
  const failed = await failureOf(stage, disk, () => fill(disk));
  const control = await startable(disk);
  return control === undefined ? failed : [...failed, `the failed restore left ${control}, from which a server starts`];
}

async function failureOf(stage: Stage, disk: string, onFetch?: () => void): Promise<string[]> {
  try {
    await recoverFromStore(stage, { directory: disk, name: 'first', onFetch });
  } catch (error) {
    if (!(error instanceof StructdbError) || error.code === 'INTERRUPTED') throw error;
    stage.said.push(error.message);
    return error.code === 'DISK_FULL' ? [] : [`the full disk was told as ${error.code}: ${error.message}`];
  }
  return ['the restore did not notice the full disk'];
}

function fillerOf(disk: string): string {
  return path.join(disk, 'filler');
}

/** Somebody else's file that leaves next to nothing; there before anything else happens in this process. */
function fill(disk: string): void {
  const { bavail, bsize } = statfsSync(disk);
  const block = Buffer.alloc(MIB);
  const blocks = Math.floor((bavail * bsize - LEFT_BYTES) / MIB);
  const file = openSync(fillerOf(disk), 'w');
  try {
    for (let written = 0; written < blocks; written += 1) writeSync(file, block);
  } finally {
    closeSync(file);
  }
}

/** A data directory below `disk` that has a control file; undefined when there is none. */
async function startable(disk: string): Promise<string | undefined> {
  for (const name of await readdir(disk)) {
    const there = await access(path.join(disk, name, 'global', 'pg_control')).then(
      () => true,
      () => false,
    );
    if (there) return name;
  }
  return undefined;
}
