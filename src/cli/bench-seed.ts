import type { DroppedData, KeptData, SeededData, StoredData } from '../bench/index.ts';
import { EXIT, StructdbError } from '../core/errors.ts';
import { formatBytes, formatCount } from '../core/units.ts';
import { alignColumns } from './align-columns.ts';
import { addDataFlags, type DataFlags, dataChoice } from './bench-data-flags.ts';
import { keepMemorySmall } from './memory.ts';
import type { Style } from './output.ts';
import type { Shell } from './shell.ts';

interface Flags extends DataFlags {
  readonly list?: boolean;
  readonly drop?: boolean | string;
}

/** `structdb bench seed`: databases that are filled once and used by many runs. */
export function benchSeedCommand(shell: Shell) {
  return shell.command<Flags>({
    name: 'seed',
    summary: 'Fill databases for benchmarks and keep them',
    details:
      'A run with the same size, seed, schema and SQL after loading uses what is kept. Nothing but what this made is ever dropped.',
    example: 'structdb bench seed --scale 10k,1m',
    exitCodes: [EXIT.ok, EXIT.failed, EXIT.usage, EXIT.locked, EXIT.interrupted],
    connects: true,
    configure: (command) =>
      void addDataFlags(command)
        .option('--list', 'show what is kept')
        .option('--drop [database]', 'drop all that is kept, or one database of it'),
    run: async (session, _args, flags) => {
      keepMemorySmall();
      refuseContradictions(flags);
      const [{ BENCH_DEFAULTS, dropSeeded, listSeeded, seedBench }, connection, choice] = await Promise.all([
        import('../bench/index.ts'),
        session.connection(),
        dataChoice(session, flags),
      ]);
      const { context } = session;
      if (flags.list) {
        const kept = await listSeeded(connection, context);
        return { result: { kept }, human: (style) => renderKept(kept, style) };
      }
      if (flags.drop !== undefined) {
        const one = typeof flags.drop === 'string' ? { database: flags.drop } : {};
        const outcome = await dropSeeded({ connection, ...one }, context);
        return { result: outcome, human: () => describeDropped(outcome), verdict: judgeDropped(outcome) };
      }
      const { projects, seed } = BENCH_DEFAULTS;
      const seeded = await seedBench({ connection, projects, seed, ...choice }, context);
      return { result: { kept: seeded }, human: () => seeded.map(describeSeeded).join('\n') };
    },
  });
}

function refuseContradictions({ list, drop, scale, projects, seed, afterLoad }: Flags): void {
  const making = [scale, projects, seed, afterLoad].some((value) => value !== undefined);
  if (Number(list === true) + Number(drop !== undefined) + Number(making) <= 1) return;
  throw new StructdbError('USAGE', 'Filling, --list and --drop are three different things: give one of them.', {
    hint: 'Run: structdb bench seed --help',
  });
}

function describeSeeded(kept: SeededData): string {
  return `${kept.database}: ${rowsOf(kept)}, seed ${kept.seed}${kept.reused ? ', kept before' : ''}`;
}

function renderKept(kept: readonly StoredData[], style: Style): string {
  if (kept.length === 0) return 'Nothing is kept.';
  const head = ['database', 'projects', 'seed', 'size', 'made', 'fingerprint', ''];
  const lines = kept.map(({ database, projects, seed, bytes, madeAt, fingerprint, inUse }) =>
    [database, formatCount(projects), `${seed}`, formatBytes(bytes), madeAt.slice(0, 10), fingerprint].concat(
      inUse ? 'in use' : '',
    ),
  );
  const [first, ...rest] = alignColumns([head, ...lines], [1, 2, 3]);
  return [style.bold(first!), ...rest].join('\n');
}

function describeDropped({ dropped }: DroppedData): string {
  if (dropped.length === 0) return 'Nothing was dropped.';
  return dropped.map((each) => `Dropped ${each.database}: ${rowsOf(each)}`).join('\n');
}

function judgeDropped({ inUse }: DroppedData): StructdbError | undefined {
  if (inUse.length === 0) return undefined;
  const names = inUse.map(({ database }) => database).join(', ');
  return new StructdbError('LOCKED', `Somebody works in ${names}: not dropped.`, {
    hint: 'Wait for the benchmark to end, then run it again.',
  });
}

function rowsOf({ projects, payloads, events }: KeptData): string {
  return `${formatCount(projects)} projects, ${formatCount(payloads)} payloads, ${formatCount(events)} events`;
}
