import type { Command } from 'commander';
import type { Comparison, StoredRun } from '../bench/index.ts';
import { EXIT, StructdbError } from '../core/errors.ts';
import { addReportOptions, type BenchReportFlags, openBenchReports, writeBenchReports } from './bench-reports.ts';
import { placesOf } from './bench-store.ts';
import type { Session } from './session.ts';
import type { Shell } from './shell.ts';

/** Flags of whatever compares. */
export interface CompareFlags {
  readonly threshold?: string;
  readonly force?: boolean;
}

export function addCompareFlags(command: Command): void {
  command
    .option('--threshold <percent>', 'slower by more than this fails (default: 10)')
    .option('--force', 'compare although server, hardware, data or suite differ');
}

/** `structdb bench compare`: a stored run against a baseline. */
export function benchCompareCommand(shell: Shell): Command {
  return shell.command<CompareFlags & BenchReportFlags>({
    name: 'compare <baseline> [result]',
    summary: 'Compare a stored run with a baseline, query by query',
    details:
      'Each is the name of a baseline, the id of a stored run or a file; the result is the newest stored run by default. Nothing is measured.',
    example: 'structdb bench compare main',
    exitCodes: [EXIT.ok, EXIT.failed, EXIT.usage, EXIT.brokenPromise, EXIT.inconclusive],
    configure: (command) => {
      addCompareFlags(command);
      addReportOptions(command);
    },
    run: async (session, [baseline, result], flags) => {
      const { readStoredRun, compareRuns, judgeComparison, renderingOfRun } = await import('../bench/index.ts');
      const { renderComparison } = await import('./bench-compare-text.ts');
      const options = compareOptions(flags);
      const files = await openBenchReports(session, flags);
      const before = await readStoredRun(baseline as string, placesOf(session));
      const after = await readStoredRun(result as string | undefined, placesOf(session));
      const comparison = compareRuns(before, after, options);
      await writeBenchReports(files, renderingOfRun({ ...after, comparison }));
      return {
        result: comparison,
        human: (style) => renderComparison(comparison, style),
        verdict: judgeComparison(comparison),
      };
    },
  });
}

/** What `bench run --compare` adds to a run; its baseline is read before anything is measured. Without it, nothing. */
export async function compareWith(
  session: Session,
  baseline: string | undefined,
  flags: CompareFlags,
): Promise<(run: StoredRun) => Promise<{ comparison?: Comparison; verdict: StructdbError | undefined }>> {
  const options = compareOptions(flags);
  if (baseline === undefined) return async () => ({ verdict: undefined });
  const { readStoredRun, compareRuns, judgeComparison } = await import('../bench/index.ts');
  const before = await readStoredRun(baseline, placesOf(session));
  return async (run) => {
    try {
      const comparison = compareRuns(before, run, options);
      return { comparison, verdict: judgeComparison(comparison) };
    } catch (error) {
      // The run itself is told all the same.
      if (error instanceof StructdbError && error.code === 'BENCH_NOT_COMPARABLE') return { verdict: error };
      throw error;
    }
  };
}

/** `--threshold 10` or `10%`. @throws USAGE */
export function compareOptions({ threshold, force }: CompareFlags): { threshold?: number; force: boolean } {
  if (threshold === undefined) return { force: force === true };
  const percent = /^(\d+(?:\.\d+)?)\s*%?$/.exec(threshold)?.[1];
  if (percent !== undefined && Number(percent) > 0 && Number(percent) <= 1000)
    return { threshold: Number(percent) / 100, force: force === true };
  throw new StructdbError('USAGE', `--threshold takes a percentage above 0, not "${threshold}".`, {
    hint: 'Write it as 10 or 10%.',
  });
}
