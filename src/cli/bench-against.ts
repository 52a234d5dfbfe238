import path from 'node:path';
import type { Rival, SuiteSources } from '../bench/index.ts';
import { StructdbError } from '../core/errors.ts';
import { packageRoot } from '../core/tool-version.ts';
import { type CompareFlags, compareOptions } from './bench-compare.ts';
import { type BenchReportFlags, withBenchReports } from './bench-reports.ts';
import { keepAgainst } from './bench-store.ts';
import type { Session } from './session.ts';
import type { Outcome } from './shell.ts';

/** What `bench run --against` is given besides the rival. */
export interface AgainstFlags extends CompareFlags, BenchReportFlags {
  readonly quick?: boolean;
}

/** How much is timed, as the flags of `bench run` say. */
export interface AgainstAmount {
  readonly projects?: number | readonly number[];
  readonly clients?: number | readonly number[];
  readonly seed?: number;
  readonly samples?: number;
  readonly prepare?: boolean;
}

/** Flags of `bench run` that say nothing here, by their names in commander. */
const UNFIT: Readonly<Record<string, string>> = {
  into: 'two databases are needed',
  keep: 'both databases are made for it',
  afterLoad: 'name a rival whose schema has the change',
  compare: 'the comparison is with the rival',
  saveBaseline: 'what is timed in turns is no baseline',
  sideBySide: 'it is a run of its own',
  rate: 'a schedule is kept by one side at a time',
  workers: 'one event loop asks both sides',
  maxSamples: 'both sides are asked equally often',
};

/** `structdb bench --against <url or git ref>`. @throws USAGE for flags that say nothing here */
export async function runAgainst(
  session: Session,
  against: string,
  flags: AgainstFlags & Readonly<Record<string, unknown>>,
  amount: AgainstAmount,
  sources: SuiteSources,
): Promise<Outcome> {
  refuseUnfit(flags);
  const { benchAgainst, judgeComparison, renderingOfAgainst, BENCH_DEFAULTS, QUICK_DEFAULTS } = await import(
    '../bench/index.ts'
  );
  const { threshold } = compareOptions(flags);
  const defaults = flags.quick ? QUICK_DEFAULTS : BENCH_DEFAULTS;
  const size = {
    projects: only('--scale', amount.projects) ?? defaults.projects,
    clients: only('--clients', amount.clients) ?? defaults.clients,
    samples: amount.samples ?? defaults.samples,
    seed: amount.seed ?? defaults.seed,
    prepare: amount.prepare ?? true,
  };
  const connection = await session.connection();
  const { result, stored } = await withBenchReports(
    session,
    flags,
    async () => {
      const measured = await benchAgainst(
        {
          connection,
          rival: await rivalOf(session, against),
          project: { root: session.project.root, environment: session.environment },
          migrations: await migrationsBelow(session),
          ...{ sources, threshold, ...size },
        },
        session.context,
      );
      // Before the reports: a disk that they fill up does not take the result with it.
      return { result: measured, stored: await keepAgainst(session, measured) };
    },
    (outcome) => renderingOfAgainst(outcome.result),
  );
  const [{ renderAgainst }, { AGAINST_HINTS }] = await Promise.all([
    import('./bench-against-text.ts'),
    import('../bench/against/words.ts'),
  ]);
  return {
    result: { ...result, stored },
    human: (style) => renderAgainst(result, style),
    verdict: judgeComparison(result, AGAINST_HINTS),
  };
}

async function rivalOf(session: Session, against: string): Promise<Rival> {
  if (!/^postgres(ql)?:\/\//.test(against)) return { kind: 'commit', ref: against };
  const { resolveConnectionString } = await import('../config/resolve.ts');
  return { kind: 'server', connection: await resolveConnectionString(against, '--against', session.environment) };
}

/** The folder of migrations as named from the project; of a checkout of structdb itself its own. */
async function migrationsBelow(session: Session): Promise<string | undefined> {
  const { root } = session.project;
  const { directory } = (await session.config()).migrations;
  if (directory !== undefined) return path.relative(root, path.resolve(root, directory));
  return path.resolve(root) === packageRoot() ? 'migrations' : undefined;
}

function only(flag: string, value: number | readonly number[] | undefined): number | undefined {
  if (value === undefined || typeof value === 'number') return value;
  if (value.length === 1) return value[0];
  throw new StructdbError('USAGE', `${flag} takes one number with --against.`, {
    hint: 'Run it once for each.',
  });
}

function refuseUnfit(flags: Readonly<Record<string, unknown>>): void {
  for (const [name, why] of Object.entries(UNFIT)) {
    if (flags[name] === undefined) continue;
    const flag = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    throw new StructdbError('USAGE', `--${flag} does not go with --against: ${why}.`, {
      hint: 'Run: structdb bench --help',
    });
  }
}
