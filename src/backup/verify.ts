import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { RunContext } from '../core/context.ts';
import { stopIfInterrupted } from '../core/context.ts';
import { messageOf, StructdbError } from '../core/errors.ts';
import { asStep } from '../core/progress.ts';
import { release } from '../core/streamed.ts';
import { baseProgramEnvironment } from '../programs/credentials.ts';
import { findProgram, type SearchPlaces } from '../programs/find.ts';
import { withOwnDirectory } from '../programs/own-directory.ts';
import { runProgram } from '../programs/run.ts';
import { type BackupEntry, findBackup, listBackups, readManifest, recordVerification } from '../repository/backups.ts';
import { chainOf } from '../repository/chain.ts';
import type { DumpManifest, Manifest, ManifestPart } from '../repository/manifest.ts';
import { plainName, readPart } from '../repository/parts.ts';
import { findRepositories, type Repository } from '../repository/repository.ts';
import { SEALED_SUFFIX } from '../storage/sealing.ts';
import type { Store } from '../storage/store.ts';
import { DUMP_PART, DUMP_TOC } from './dump.ts';
import { findDeepProblems } from './verify-deep.ts';

export interface VerifyOptions {
  readonly store: Store;
  readonly places: SearchPlaces;
  /** One backup; without it, the newest of each database. */
  readonly label?: string | undefined;
  /** Also unpack everything and let PostgreSQL's programs look at it. */
  readonly deep?: boolean | undefined;
}

export interface VerifiedBackup {
  readonly label: string;
  readonly ok: boolean;
  /** What is wrong, one line each. */
  readonly problems: readonly string[];
  readonly sizeBytes: number;
  /** Whether what is inside the objects was looked at too. */
  readonly deep: boolean;
  /** False where it is encrypted and no identity was given: then sizes and SHA-256 were compared and nothing more. */
  readonly contentsRead: boolean;
}

/**
 * Reads backups again: every part is there, has its size and its SHA-256, and a dump's table of contents can be read.
 * An increment is verified with all that it needs. With `deep`, everything is unpacked and looked at. The outcome is kept beside the manifest. A broken backup is a result, not an error.
 * @throws BACKUP_MISSING, PROGRAM_MISSING, STORE_FAILED
 */
export async function verifyBackups(options: VerifyOptions, context: RunContext): Promise<VerifiedBackup[]> {
  const entries = options.label ? [await findBackup(options.store, options.label)] : await newestOfEach(options.store);
  const results: VerifiedBackup[] = [];
  for (const entry of entries) {
    stopIfInterrupted(context);
    const result = await asStep(context, 'backup.verify', `Reading ${entry.label} again`, () =>
      verifyBackup(entry, options, context),
    );
    results.push(result);
  }
  return results;
}

async function verifyBackup(
  entry: BackupEntry,
  { places, deep = false }: VerifyOptions,
  context: RunContext,
): Promise<VerifiedBackup> {
  const found = await readManifest(entry).then(
    async (manifest) => {
      const problems = await findProblems(entry.repository, manifest, places, context);
      problems.push(...(await parentProblems(entry, manifest, places, context)));
      if (deep && problems.length === 0) problems.push(...(await findDeepProblems(entry, manifest, places, context)));
      const contentsRead = manifest.parts.every((part) => canRead(entry.repository, part));
      return { problems, sizeBytes: sizeOf(manifest), contentsRead };
    },
    (error) => {
      if (error instanceof StructdbError && error.code === 'MANIFEST_UNREADABLE') {
        return { problems: [messageOf(error), ...error.details], sizeBytes: 0, contentsRead: false };
      }
      throw error;
    },
  );
  const ok = found.problems.length === 0;
  const method = deep ? 'deep' : 'read';
  await recordVerification(entry, { ok, problems: found.problems, method }, context.clock).catch((error) =>
    context.report({ kind: 'warning', message: `The verification could not be recorded: ${messageOf(error)}` }),
  );
  return { label: entry.label, ok, deep, ...found };
}

/** An increment is worth what its parents are. */
async function parentProblems(
  entry: BackupEntry,
  manifest: Manifest,
  places: SearchPlaces,
  context: RunContext,
): Promise<string[]> {
  if (manifest.kind !== 'incremental') return [];
  const chain = await chainOf(entry).catch((error: unknown) => {
    if (error instanceof StructdbError && ['BACKUP_CORRUPT', 'MANIFEST_UNREADABLE'].includes(error.code)) return error;
    throw error;
  });
  if (chain instanceof StructdbError) return [messageOf(chain)];
  const problems: string[] = [];
  for (const link of chain.slice(0, -1)) {
    problems.push(...(await findProblems(entry.repository, link.manifest, places, context)));
  }
  return problems;
}

/** What is wrong with the objects that a manifest names; empty when all is well. */
export async function findProblems(
  repository: Repository,
  manifest: Manifest,
  places: SearchPlaces,
  context: RunContext,
): Promise<string[]> {
  const problems: string[] = [];
  for (const part of manifest.parts) {
    const problem = await partProblem(repository, manifest.label, part, context);
    if (problem) problems.push(problem);
    else if (manifest.kind === 'dump' && [DUMP_PART, DUMP_TOC].includes(plainName(part)) && canRead(repository, part))
      problems.push(...(await tocProblems(repository, manifest, part, places, context)));
  }
  return problems;
}

async function partProblem(
  repository: Repository,
  label: string,
  part: ManifestPart,
  context: RunContext,
): Promise<string | undefined> {
  const key = repository.keys.part(label, part.name);
  const where = `${repository.store.location}/${key}`;
  const head = await repository.store.head(key);
  if (!head) return `the manifest names ${part.name}, but ${where} is missing`;
  if (head.sizeBytes !== part.sizeBytes) {
    return `${where} was ${head.sizeBytes < part.sizeBytes ? 'truncated' : 'altered'}: ${head.sizeBytes} bytes, the manifest says ${part.sizeBytes}`;
  }
  const hash = createHash('sha256');
  for await (const chunk of await repository.store.get(key)) {
    stopIfInterrupted(context);
    hash.update(chunk as Buffer);
    release(chunk as Buffer);
  }
  return hash.digest('hex') === part.sha256 ? undefined : `${where} was altered: its SHA-256 is not the manifest's`;
}

/** Without an identity, encrypted objects are compared and not looked into. */
function canRead({ store }: Repository, { name }: ManifestPart): boolean {
  return !name.endsWith(SEALED_SUFFIX) || store.sealing?.canUnseal === true;
}

async function tocProblems(
  repository: Repository,
  manifest: DumpManifest,
  part: ManifestPart,
  places: SearchPlaces,
  context: RunContext,
): Promise<string[]> {
  const program = await findProgram('pg_restore', places, { atLeast: Number.parseInt(manifest.tools.pgDump, 10) });
  const toc = Readable.from(readPart({ repository, label: manifest.label }, part), { objectMode: false });
  const doing = `Reading the table of contents of ${manifest.label}`;
  const common = { env: baseProgramEnvironment, signal: context.signal, doing };
  try {
    if (plainName(part) === DUMP_PART) await runProgram(program, ['--list'], { ...common, input: toc });
    else {
      // pg_restore takes a directory by its path only; the table of contents is all that it reads of it here.
      await withOwnDirectory('toc', 0o700, async (directory) => {
        await pipeline(toc, createWriteStream(path.join(directory, 'toc.dat'), { mode: 0o600 }));
        await runProgram(program, ['--list', directory], common);
      });
    }
    return [];
  } catch (error) {
    const telling: readonly string[] = ['PROGRAM_FAILED', 'BACKUP_CORRUPT'];
    if (error instanceof StructdbError && telling.includes(error.code)) return [messageOf(error)];
    throw error;
  } finally {
    toc.destroy();
  }
}

export function sizeOf(manifest: Manifest): number {
  return manifest.parts.reduce((sum, part) => sum + part.sizeBytes, 0);
}

async function newestOfEach(store: Store): Promise<BackupEntry[]> {
  const newest = new Map<string, BackupEntry>();
  for (const repository of await findRepositories(store)) {
    for (const entry of await listBackups(repository)) {
      newest.set(`${repository.systemIdentifier} ${entry.parts.kind} ${entry.parts.database ?? ''}`, entry);
    }
  }
  if (newest.size > 0) return [...newest.values()];
  throw new StructdbError('BACKUP_MISSING', `${store.location} holds no backup.`, {
    hint: 'Make one: structdb backup run',
  });
}
