import type { RunContext } from '../core/context.ts';
import { StructdbError } from '../core/errors.ts';
import { asStep } from '../core/progress.ts';
import type { SearchPlaces } from '../programs/find.ts';
import { removeBackup } from '../repository/backups.ts';
import type { Manifest } from '../repository/manifest.ts';
import type { Repository } from '../repository/repository.ts';
import type { Source } from './source.ts';
import { findProblems } from './verify.ts';

/** What the store gives back is what was written, and programs can read it: only then is it a backup. @throws BACKUP_CORRUPT */
export async function readBack(
  repository: Repository,
  manifest: Manifest,
  places: SearchPlaces,
  context: RunContext,
): Promise<void> {
  const problems = await asStep(context, 'backup.read-back', 'Reading the backup again', () =>
    findProblems(repository, manifest, places, context),
  );
  if (problems.length === 0) return;
  throw new StructdbError('BACKUP_CORRUPT', `The store ${repository.store.location} did not keep what was written.`, {
    details: problems,
    hint: 'Check the disk or the store; the backup was not listed and its objects were removed.',
  });
}

/** After a failure. One after the manifest was written leaves a whole, listed backup: that stays. */
export async function removeUnlisted(repository: Repository, label: string): Promise<void> {
  try {
    if (!(await repository.store.head(repository.keys.manifest(label)))) await removeBackup(repository, label);
  } catch {
    // The next run sweeps it; the error that brought us here is the one to tell.
  }
}

const TOLERATED_SKEW_MS = 60_000;

export function warnOfSkew(source: Source, context: RunContext): void {
  if (Math.abs(source.skewMs) < TOLERATED_SKEW_MS) return;
  context.report({
    kind: 'warning',
    message: `The server's clock differs from this machine's by ${Math.round(source.skewMs / 1000)} s.`,
    hint: 'Set both by NTP: labels and retention go by this clock, the times in the manifest by that one.',
  });
}
