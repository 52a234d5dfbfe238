import type { Command } from 'commander';
import { EXIT, StructdbError } from '../core/errors.ts';
import { addCompareFlags, benchCompareCommand, type CompareFlags, compareWith } from './bench-compare.ts';
import { addDataFlags, type DataFlags, dataChoice } from './bench-data-flags.ts';
import { numberList, wholeNumber } from './bench-numbers.ts';
import { benchReportCommand } from './bench-report.ts';
import { addReportOptions, type BenchReportFlags, withBenchReports } from './bench-reports.ts';
import { benchSeedCommand } from './bench-seed.ts';
import { addStoreFlags, keepRun, type StoreFlags, wishedBaseline } from './bench-store.ts';
import { addSuite, benchSuitesCommand, type SuiteFlags, suiteSources } from './bench-suites.ts';
import { keepMemorySmall } from './memory.ts';
import type { Shell } from './shell.ts';

interface Flags extends SuiteFlags, DataFlags, BenchReportFlags, StoreFlags, CompareFlags {
  readonly compare?: string;
  readonly sideBySide?: boolean;
  readonly against?: string;
  readonly into?: string;
  readonly keep?: boolean;
  readonly clients?: string;
  readonly samples?: string;
  readonly maxSamples?: string;
  readonly rate?: string;
  readonly workers?: string;
  readonly prepare: boolean;
  readonly quick?: boolean;
}

/** `structdb bench`: the platform's queries against their targets. */
export function benchCommand(shell: Shell): Command {
  return shell.group(
    'bench',
    'Time the queries of the platform and judge them by the objectives',
    [
      runCommand(shell),
      benchSeedCommand(shell),
      benchCompareCommand(shell),
      benchReportCommand(shell),
      benchSuitesCommand(shell),
    ],
    {
      default: 'run',
    },
  );
}

function runCommand(shell: Shell): Command {
  return shell.command<Flags>({
    name: 'run',
    summary: 'Time the queries of the platform in a database of their own',
    details: 'The database is created for the run and dropped at its end; your data is never touched.',
    example: 'structdb bench --samples 1000',
    exitCodes: [EXIT.ok, EXIT.failed, EXIT.usage, EXIT.brokenPromise, EXIT.locked, EXIT.inconclusive, EXIT.interrupted],
    connects: true,
    configure: (command) => {
      addDataFlags(addSuite(addReportOptions(command)))
        .option('--into <database>', 'an empty database of yours instead of a new one; emptied again at the end')
        .option('--keep', 'keep the databases that are filled; later runs with the same data use them at once')
        .option('--clients <n>', 'sessions that query at the same time; several in turn: 1,4,16 (default: 4)')
        .option('--samples <n>', 'timed runs of each query (default: 500)')
        .option('--max-samples <n>', 'of a query that these leave undecided (default: 10 times --samples)')
        .option('--rate <per second>', 'requests come by a schedule, not when the last is answered (open loop)')
        .option('--no-prepare', 'without prepared statements: each one is parsed and planned anew')
        .option('--workers <n>', 'threads that share the clients (default: as many as are needed)')
        .option('--quick', 'for CI, within a minute: 2000 projects, 200 samples');
      addStoreFlags(command);
      command.option('--compare <baseline>', 'compare the result with a baseline, a stored run or a file');
      addCompareFlags(command);
      command.option(
        '--against <url or commit>',
        'time the project in turns with another server, or with its migrations and suites at a git commit',
      );
      command.option('--side-by-side', 'ask through pg alone and through pgbench too: what each layer costs');
    },
    run: async (session, _args, flags) => {
      keepMemorySmall();
      const numbers = {
        ...wholeNumber('samples', flags.samples, 1, 100_000),
        ...wholeNumber('maxSamples', flags.maxSamples, 1, 1_000_000),
        ...wholeNumber('workers', flags.workers, 1, 64),
        ...rateOf(flags.rate),
        ...(flags.quick ? { quick: true } : {}),
        ...(flags.prepare ? {} : { prepare: false }),
      };
      const sweep =
        flags.clients === undefined
          ? {}
          : { clients: numberList(flags.clients, { name: 'clients', least: 1, most: 64 }) };
      if (flags.against !== undefined) {
        const sources = await suiteSources(session, flags);
        const amount = { ...numbers, ...sweep, ...(await dataChoice(session, flags)) };
        const { runAgainst } = await import('./bench-against.ts');
        return runAgainst(session, flags.against, { ...flags }, amount, sources);
      }
      await wishedBaseline(session, flags);
      const compare = await compareWith(session, flags.compare, flags);
      const [{ measureBench, judgeBench, worseOf }, connection, { objectives }, sources, data] = await Promise.all([
        import('../bench/index.ts'),
        session.connection(),
        session.config(),
        suiteSources(session, flags),
        dataChoice(session, flags),
      ]);
      const place = {
        ...(flags.into === undefined ? {} : { into: flags.into }),
        ...(flags.keep ? { keep: true } : {}),
      };
      const project = { root: session.project.root, environment: session.environment };
      const more = flags.sideBySide ? { sideBySide: await session.places() } : {};
      const options = { connection, objectives, sources, project, ...place, ...data, ...numbers, ...sweep, ...more };
      const { renderingOfRun } = await import('../bench/report/index.ts');
      const { run, comparison, verdict } = await withBenchReports(
        session,
        flags,
        async () => {
          const measured = await measureBench(options, session.context);
          return { run: measured, ...(await compare(measured)) };
        },
        (outcome) => renderingOfRun({ ...outcome.run, comparison: outcome.comparison ?? refusalOf(outcome.verdict) }),
      );
      const { result } = run;
      // They know the queries, and with them the driver, which --help must not load.
      const [{ renderBench }, { renderComparison, renderSideBySide }] = await Promise.all([
        import('./bench-text.ts'),
        import('./bench-compare-text.ts'),
      ]);
      const stored = await keepRun(session, run, flags);
      return {
        result: { ...result, ...stored, ...(comparison && { comparison }) },
        human: (style) =>
          [
            renderBench(result, style),
            ...(result.sideBySide ? [renderSideBySide(result.sideBySide, style)] : []),
            ...(comparison ? [renderComparison(comparison, style)] : []),
          ].join('\n\n'),
        verdict: worseOf(judgeBench(result), verdict),
      };
    },
  });
}

/** Why there is no comparison; undefined where none was asked for. */
function refusalOf(verdict: StructdbError | undefined): { readonly refused: string } | undefined {
  return verdict && { refused: [verdict.message, ...verdict.details].join(' ') };
}

function rateOf(text: string | undefined): { rate?: number } {
  if (text === undefined) return {};
  const rate = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && rate >= 0.1 && rate <= 100_000) return { rate };
  throw new StructdbError('USAGE', `--rate takes requests per second, 0.1 to 100000, not "${text}".`, {
    hint: 'Run: structdb bench --help',
  });
}
