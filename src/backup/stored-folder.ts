import { createReadStream } from 'node:fs';
import { readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { type RunContext, stopIfInterrupted } from '../core/context.ts';
import { StructdbError } from '../core/errors.ts';
import { abandonedDirectories, withOwnDirectory } from '../programs/own-directory.ts';
import { runProgram } from '../programs/run.ts';
import { diskFullOr } from '../programs/unpack.ts';
import type { ManifestPart } from '../repository/manifest.ts';
import { writePart } from '../repository/parts.ts';
import type { Repository } from '../repository/repository.ts';
import { connectionLossOf, type StoredProgram } from './stored-program.ts';

const KIND = 'dump';
/** Files that go into the store at the same time: a request to S3 takes longer than most files last. */
const UPLOADS = 4;
const POLL_MS = 1000;

/**
 * Runs a program that writes a folder (`--file`) into a private directory of /var/tmp, then stores each file of it as a
 * part `<folder>/<file>`. pg_dump's several connections need files; a program that is killed leaves nothing in the store.
 * @throws PROGRAM_FAILED, CONNECTION_LOST, DISK_FULL, STORE_FAILED, INTERRUPTED
 */
export async function storeFolder(
  { program, args, env, doing, step }: StoredProgram,
  repository: Repository,
  label: string,
  folder: string,
  context: RunContext,
): Promise<ManifestPart[]> {
  for (const left of await abandonedDirectories(KIND)) await rm(left, { recursive: true, force: true }).catch(() => {});
  return withOwnDirectory(KIND, 0o700, async (scratch) => {
    const directory = path.join(scratch, folder);
    const watch = setInterval(() => {
      sizeOf(directory).then(
        (done) => context.report({ kind: 'progress', step, done, unit: 'bytes' }),
        () => {},
      );
    }, POLL_MS);
    try {
      await runProgram(program, [...args, `--file=${directory}`], { env, doing, signal: context.signal });
    } catch (error) {
      throw connectionLossOf(diskFullOr(error, scratch));
    } finally {
      clearInterval(watch);
    }
    const names = (await readdir(directory)).sort();
    if (names.length === 0)
      throw new StructdbError('PROGRAM_FAILED', `${doing} failed: ${program.name} wrote nothing.`);
    const parts: ManifestPart[] = [];
    const uploads = Array.from({ length: UPLOADS }, async () => {
      for (let name = names.shift(); name !== undefined; name = names.shift()) {
        stopIfInterrupted(context);
        parts.push(
          await writePart(repository, label, `${folder}/${name}`, createReadStream(path.join(directory, name))),
        );
      }
    });
    // All of them: nothing may still be written when the caller cleans up.
    const failed = (await Promise.allSettled(uploads)).find((upload) => upload.status === 'rejected');
    if (failed) throw failed.reason;
    return parts.sort((a, b) => (a.name < b.name ? -1 : 1));
  });
}

async function sizeOf(directory: string): Promise<number> {
  let total = 0;
  for (const name of await readdir(directory)) total += (await stat(path.join(directory, name))).size;
  return total;
}
