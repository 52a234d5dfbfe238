import type { Command } from 'commander';
import { EXIT, StructdbError } from '../core/errors.ts';
import { runAgainst } from './bench-against.ts';
import { addCompareFlags, benchCompareCommand, type CompareFlags, compareWith } from './bench-compare.ts';
import { numberList } from './bench-numbers.ts';
import { benchReportCommand } from './bench-report.ts';
import { addReportOptions, type BenchReportFlags, withBenchReports } from './bench-reports.ts';
import { addStoreFlags, keepRun, type StoreFlags, wishedBaseline } from './bench-store.ts';
import { addSuite, benchSuitesCommand, type SuiteFlags, suiteSources } from './bench-suites.ts';
import { keepMemorySmall } from './memory.ts';
import type { Shell } from './shell.ts';

interface Flags extends SuiteFlags, BenchReportFlags, StoreFlags, CompareFlags {
  readonly compare?: string;
  readonly sideBySide?: boolean;
  readonly against?: string;
  readonly into?: string;
  readonly scale?: string;
  readonly projects?: string;
  readonly seed?: string;
  readonly clients?: string;
  readonly samples?: string;
  readonly maxSamples?: string;
  readonly rate?: string;
  readonly workers?: string;
  readonly quick?: boolean;
}

/** `structdb bench`: the platform's queries against their targets. */
export function benchCommand(shell: Shell): Command {
  return shell.group(
    'bench',
    'Time the queries of the platform and judge them by the objectives',
    [runCommand(shell), benchCompareCommand(shell), benchReportCommand(shell), benchSuitesCommand(shell)],
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
      addSuite(addReportOptions(command))
        .option('--into <database>', 'an empty database of yours instead of a new one; emptied again at the end')
        .option(
          '--scale <sizes>',
          'sample projects, three times as many events; several are measured in turn: 10k,100k,1m (default: 10k)',
        )
        .option('--projects <n>', 'the same as --scale')
        .option('--seed <n>', 'which sample: the same number gives the same rows (default: 1)')
        .option('--clients <n>', 'sessions that query at the same time; several in turn: 1,4,16 (default: 4)')
        .option('--samples <n>', 'timed runs of each query (default: 500)')
        .option('--max-samples <n>', 'of a query that these leave undecided (default: 10 times --samples)')
        .option('--rate <per second>', 'requests come by a schedule, not when the last is answered (open loop)')
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
        ...wholeNumber('seed', flags.seed, 0, 2 ** 32 - 1),
        ...wholeNumber('samples', flags.samples, 1, 100_000),
        ...wholeNumber('maxSamples', flags.maxSamples, 1, 1_000_000),
        ...wholeNumber('workers', flags.workers, 1, 64),
        ...rateOf(flags.rate),
        ...(flags.quick ? { quick: true } : {}),
      };
      const sweep = {
        ...sizes(flags),
        ...(flags.clients === undefined
          ? {}
          : { clients: numberList(flags.clients, { name: 'clients', least: 1, most: 64 }) }),
      };
      if (flags.against !== undefined) {
        const sources = await suiteSources(session, flags);
        return runAgainst(session, flags.against, { ...flags }, { ...numbers, ...sweep }, sources);
      }
      await wishedBaseline(session, flags);
      const compare = await compareWith(session, flags.compare, flags);
      const [{ measureBench, judgeBench, worseOf }, connection, { objectives }, sources] = await Promise.all([
        import('../bench/index.ts'),
        session.connection(),
        session.config(),
        suiteSources(session, flags),
      ]);
      const into = flags.into === undefined ? {} : { into: flags.into };
      const project = { root: session.project.root, environment: session.environment };
      const more = flags.sideBySide ? { sideBySide: await session.places() } : {};
      const options = { connection, objectives, sources, project, ...into, ...numbers, ...sweep, ...more };
      const run = await withBenchReports(
        session,
        flags,
        () => measureBench(options, session.context),
        (stored) => stored,
      );
      const { result } = run;
      // They know the queries, and with them the driver, which --help must not load.
      const [{ renderBench }, { renderComparison, renderSideBySide }] = await Promise.all([
        import('./bench-text.ts'),
        import('./bench-compare-text.ts'),
      ]);
      const stored = await keepRun(session, run, flags);
      const { comparison, verdict } = await compare(run);
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

/** What --scale or --projects says. */
function sizes({ scale, projects }: Flags): { projects?: readonly number[] } {
  if (scale !== undefined && projects !== undefined) {
    throw new StructdbError('USAGE', '--scale and --projects say the same: give one of them.', {
      hint: 'Run: structdb bench --help',
    });
  }
  const range = { least: 10, most: 10_000_000 };
  if (scale !== undefined) return { projects: numberList(scale, { name: 'scale', ...range }) };
  return projects === undefined ? {} : { projects: numberList(projects, { name: 'projects', ...range }) };
}

function wholeNumber(name: string, text: string | undefined, least: number, most: number): Record<string, number> {
  if (text === undefined) return {};
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return { [name]: value };
  const flag = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  throw new StructdbError('USAGE', `--${flag} takes a whole number from ${least} to ${most}, not "${text}".`, {
    hint: 'Run: structdb bench --help',
  });
}

function rateOf(text: string | undefined): { rate?: number } {
  if (text === undefined) return {};
  const rate = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && rate >= 0.1 && rate <= 100_000) return { rate };
  throw new StructdbError('USAGE', `--rate takes requests per second, 0.1 to 100000, not "${text}".`, {
    hint: 'Run: structdb bench --help',
  });
}
