import { createWriteStream } from 'node:fs';
import { mkdir, rm, statfs } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type RunContext, stopIfInterrupted } from '../core/context.ts';
import { messageOf, StructdbError } from '../core/errors.ts';
import { asStep } from '../core/progress.ts';
import { formatBytes } from '../core/units.ts';
import { baseProgramEnvironment } from '../programs/credentials.ts';
import { findProgram, onlyIn, type Program, type SearchPlaces } from '../programs/find.ts';
import { abandonedDirectories, temporaryRoot, withOwnDirectory } from '../programs/own-directory.ts';
import { runProgram } from '../programs/run.ts';
import { diskFullOr, unpackArchive } from '../programs/unpack.ts';
import type { BackupEntry } from '../repository/backups.ts';
import { type ChainLink, chainOf } from '../repository/chain.ts';
import type { DumpManifest, Manifest } from '../repository/manifest.ts';
import { findPart, plainName, readPart } from '../repository/parts.ts';
import { BACKUP_MANIFEST } from './base.ts';
import { DUMP_FOLDER, DUMP_PART } from './dump.ts';

const KIND = 'verify';

/**
 * What is wrong inside the objects of a backup whose objects are as they were written: everything is decrypted, unpacked
 * into a private directory of /var/tmp and looked at by PostgreSQL's own programs. A backup of a cluster: every file
 * against backup_manifest, and its WAL can be parsed (pg_verifybackup); an increment: put together with its chain first
 * (pg_combinebackup). A dump: all of its data is read (pg_restore to nowhere). Needs no server.
 * @throws KEY_MISSING, KEY_WRONG, DISK_FULL, PROGRAM_MISSING, PROGRAM_TOO_OLD
 */
export async function findDeepProblems(
  entry: BackupEntry,
  manifest: Manifest,
  places: SearchPlaces,
  context: RunContext,
): Promise<string[]> {
  for (const left of await abandonedDirectories(KIND)) await rm(left, { recursive: true, force: true }).catch(() => {});
  return withOwnDirectory(KIND, 0o700, (directory) =>
    asProblems(() =>
      manifest.kind === 'dump'
        ? dumpProblems(entry, manifest, directory, places, context)
        : clusterProblems(entry, directory, places, context),
    ),
  );
}

/** Broken content is a finding; whatever keeps us from looking is an error. */
async function asProblems(look: () => Promise<string[]>): Promise<string[]> {
  try {
    return await look();
  } catch (error) {
    const broken = ['BACKUP_CORRUPT', 'OBJECT_MISSING', 'PROGRAM_FAILED', 'MANIFEST_UNREADABLE'];
    if (error instanceof StructdbError && broken.includes(error.code)) return [messageOf(error), ...error.details];
    throw error;
  }
}

async function dumpProblems(
  entry: BackupEntry,
  manifest: DumpManifest,
  directory: string,
  places: SearchPlaces,
  context: RunContext,
): Promise<string[]> {
  const program = await findProgram('pg_restore', places, { atLeast: Number.parseInt(manifest.tools.pgDump, 10) });
  const doing = `Reading all of ${entry.label}`;
  const common = { env: baseProgramEnvironment, signal: context.signal, doing };
  const single = findPart(manifest.parts, DUMP_PART);
  await asStep(context, 'backup.verify-data', doing, async () => {
    if (single) {
      const input = Readable.from(readPart(entry, single), { objectMode: false });
      await runProgram(program, ['--file=/dev/null'], { ...common, input });
    } else {
      await fetchFolder(entry, manifest, DUMP_FOLDER, directory);
      await runProgram(program, ['--file=/dev/null', path.join(directory, DUMP_FOLDER)], common);
    }
  });
  return [];
}

/** Copies the parts of a folder of the backup into `directory`. */
async function fetchFolder(entry: BackupEntry, manifest: Manifest, folder: string, directory: string): Promise<void> {
  await mkdir(path.join(directory, folder), { recursive: true, mode: 0o700 });
  for (const part of manifest.parts) {
    const name = plainName(part);
    if (!name.startsWith(`${folder}/`)) continue;
    await pipeline(readPart(entry, part), createWriteStream(path.join(directory, name), { mode: 0o600 }));
  }
}

async function clusterProblems(
  entry: BackupEntry,
  directory: string,
  places: SearchPlaces,
  context: RunContext,
): Promise<string[]> {
  const chain = await chainOf(entry);
  await requireRoom(chain);
  const { major } = chain[0]!.manifest.server;
  // pg_verifybackup parses the WAL with the pg_waldump beside it, which must be of the server's major.
  const verifier = await findProgram('pg_verifybackup', places, { major });
  const problems: string[] = [];
  const unpacked: string[] = [];
  for (const [index, link] of chain.entries()) {
    stopIfInterrupted(context);
    const target = path.join(directory, String(index));
    await asStep(context, 'backup.unpack', `Unpacking ${link.entry.label}`, () => unpack(link, target, context));
    problems.push(...(await verify(verifier, target, link.entry.label, context)));
    unpacked.push(target);
  }
  if (chain.length === 1 || problems.length > 0) return problems;
  const beside = onlyIn(places, path.dirname(verifier.path));
  const combiner = await findProgram('pg_combinebackup', beside, { major });
  const whole = path.join(directory, 'whole');
  const doing = `Putting ${chain.length} backups together`;
  await asStep(context, 'backup.combine', doing, () =>
    runProgram(combiner, ['--no-sync', '--output', whole, ...unpacked], {
      env: baseProgramEnvironment,
      signal: context.signal,
      doing,
    }).catch((error: unknown) => {
      throw diskFullOr(error, directory);
    }),
  );
  return verify(verifier, whole, `${entry.label} put together with its parents`, context);
}

/** Every archive into one tree: a tablespace becomes a directory where the server has a link. */
async function unpack({ entry, manifest }: ChainLink, target: string, context: RunContext): Promise<void> {
  for (const part of manifest.parts) {
    const name = plainName(part);
    const oid = /^(base|\d+)\.tar\.zst$/.exec(name)?.[1];
    if (oid === undefined) continue;
    const into = oid === 'base' ? target : path.join(target, 'pg_tblspc', oid);
    await mkdir(into, { recursive: true, mode: 0o700 });
    await unpackArchive(readPart(entry, part), into, { doing: `Unpacking ${name}`, signal: context.signal });
  }
  const list = findPart(manifest.parts, BACKUP_MANIFEST);
  if (!list) throw new StructdbError('BACKUP_CORRUPT', `${entry.label} has no ${BACKUP_MANIFEST}.`);
  await pipeline(readPart(entry, list), createWriteStream(path.join(target, BACKUP_MANIFEST), { mode: 0o600 }));
}

/** What pg_verifybackup complains of, without its own name. */
async function verify(program: Program, directory: string, what: string, context: RunContext): Promise<string[]> {
  return asStep(context, 'backup.verify-files', `Comparing every file of ${what}`, async () => {
    const { exitCode, stderr } = await runProgram(program, [directory], {
      env: baseProgramEnvironment,
      signal: context.signal,
      doing: `Verifying ${what}`,
      accept: [1],
    });
    if (exitCode === 0) return [];
    const lines = stderr.split('\n').map((line) => line.replace(/^pg_verifybackup: (error: )?/, '').trim());
    return lines.filter(Boolean).map((line) => `${what}: ${line.replaceAll(`${directory}/`, '')}`);
  });
}

/** The files, and those of the whole that a chain is put together to. @throws DISK_FULL */
async function requireRoom(chain: readonly ChainLink[]): Promise<void> {
  const [base] = chain;
  const last = chain.at(-1)!.manifest.plainBytes;
  // An increment unpacked: its archive holds blocks as they are; how much it is shrunk is not known, four to one at most times.
  const increments = chain.slice(1).flatMap(({ manifest }) => manifest.parts.map(({ sizeBytes }) => sizeBytes * 4));
  const needed =
    base!.manifest.plainBytes + (chain.length > 1 ? last : 0) + increments.reduce((sum, bytes) => sum + bytes, 0);
  const { bavail, bsize } = await statfs(temporaryRoot());
  if (bavail * bsize >= needed) return;
  throw new StructdbError(
    'DISK_FULL',
    `Unpacking needs ${formatBytes(needed)}, and ${temporaryRoot()} has ${formatBytes(bavail * bsize)} left.`,
    { hint: `Free space in ${temporaryRoot()}, or verify without --deep.` },
  );
}
