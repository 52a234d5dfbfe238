import { createHash } from 'node:crypto';
import type { RunContext } from '../core/context.ts';
import { stopIfInterrupted } from '../core/context.ts';
import { messageOf, StructdbError } from '../core/errors.ts';
import { asStep } from '../core/progress.ts';
import { baseProgramEnvironment } from '../programs/credentials.ts';
import { findProgram, type SearchPlaces } from '../programs/find.ts';
import { runProgram } from '../programs/run.ts';
import { type BackupEntry, findBackup, listBackups, readManifest, recordVerification } from '../repository/backups.ts';
import type { DumpManifest, Manifest, ManifestPart } from '../repository/manifest.ts';
import { findRepositories, type Repository } from '../repository/repository.ts';
import type { Store } from '../storage/store.ts';
import { DUMP_PART } from './dump.ts';

export interface VerifyOptions {
  readonly store: Store;
  readonly places: SearchPlaces;
  /** One backup; without it, the newest of each database. */
  readonly label?: string | undefined;
}

export interface VerifiedBackup {
  readonly label: string;
  readonly ok: boolean;
  /** What is wrong, one line each. */
  readonly problems: readonly string[];
  readonly sizeBytes: number;
}

/**
 * Reads backups again: every part is there, has its size and its SHA-256, and the dump's table of contents can be read.
 * The outcome is kept beside the manifest. A broken backup is a result, not an error.
 * @throws BACKUP_MISSING, PROGRAM_MISSING, STORE_FAILED
 */
export async function verifyBackups(options: VerifyOptions, context: RunContext): Promise<VerifiedBackup[]> {
  const entries = options.label ? [await findBackup(options.store, options.label)] : await newestOfEach(options.store);
  const results: VerifiedBackup[] = [];
  for (const entry of entries) {
    stopIfInterrupted(context);
    const result = await asStep(context, 'backup.verify', `Reading ${entry.label} again`, () =>
      verifyBackup(entry, options.places, context),
    );
    results.push(result);
  }
  return results;
}

async function verifyBackup(entry: BackupEntry, places: SearchPlaces, context: RunContext): Promise<VerifiedBackup> {
  const found = await readManifest(entry).then(
    async (manifest) => ({
      problems: await findProblems(entry.repository, manifest, places, context),
      sizeBytes: sizeOf(manifest),
    }),
    (error) => {
      if (error instanceof StructdbError && error.code === 'MANIFEST_UNREADABLE') {
        return { problems: [messageOf(error), ...error.details], sizeBytes: 0 };
      }
      throw error;
    },
  );
  const ok = found.problems.length === 0;
  await recordVerification(entry, { ok, problems: found.problems, method: 'read' }, context.clock).catch((error) =>
    context.report({ kind: 'warning', message: `The verification could not be recorded: ${messageOf(error)}` }),
  );
  return { label: entry.label, ok, ...found };
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
    else if (manifest.kind === 'dump' && part.name === DUMP_PART)
      problems.push(...(await tocProblems(repository, manifest, places, context)));
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
  }
  return hash.digest('hex') === part.sha256 ? undefined : `${where} was altered: its SHA-256 is not the manifest's`;
}

async function tocProblems(
  repository: Repository,
  manifest: DumpManifest,
  places: SearchPlaces,
  context: RunContext,
): Promise<string[]> {
  const program = await findProgram('pg_restore', places, { atLeast: Number.parseInt(manifest.tools.pgDump, 10) });
  const dump = await repository.store.get(repository.keys.part(manifest.label, DUMP_PART));
  const doing = `Reading the table of contents of ${manifest.label}`;
  try {
    await runProgram(program, ['--list'], { env: baseProgramEnvironment, input: dump, signal: context.signal, doing });
    return [];
  } catch (error) {
    if (error instanceof StructdbError && error.code === 'PROGRAM_FAILED') return [messageOf(error)];
    throw error;
  } finally {
    dump.destroy();
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
