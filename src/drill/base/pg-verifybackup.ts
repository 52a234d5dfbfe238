import type { RunContext } from '../../core/context.ts';
import { asStep } from '../../core/progress.ts';
import { baseProgramEnvironment } from '../../programs/credentials.ts';
import { findProgram } from '../../programs/find.ts';
import { runProgram } from '../../programs/run.ts';
import type { ClusterRestoreResult } from '../../restore/index.ts';
import { type Check, check } from '../checks.ts';

/** PostgreSQL's own comparison of every restored file with backup_manifest, before the server changes them. */
export async function verifyFiles(
  { plan, dataDirectory, files }: ClusterRestoreResult,
  context: RunContext,
): Promise<Check> {
  const { manifest } = plan.backup;
  const verifier = await findProgram('pg_verifybackup', plan.places, { major: manifest.server.major });
  // The WAL from start to stop is parsed too, where the backup has it inside.
  // The restore wrote where its tablespaces are now.
  const args = ['--ignore=tablespace_map', ...(manifest.walIncluded ? [] : ['--no-parse-wal']), dataDirectory];
  const doing = `Comparing ${files} files with the manifest of the backup`;
  const problems = await asStep(context, 'drill.verify', doing, async () => {
    const { exitCode, stderr } = await runProgram(verifier, args, {
      env: baseProgramEnvironment,
      signal: context.signal,
      accept: [1],
      doing,
    });
    if (exitCode === 0) return [];
    const lines = stderr.split('\n').map((line) => line.replace(/^pg_verifybackup: (error: )?/, '').trim());
    return lines.filter(Boolean).map((line) => line.replaceAll(`${dataDirectory}/`, ''));
  });
  return check('files', `${files} files are as backup_manifest says (pg_verifybackup)`, problems);
}
