import { type Command, InvalidArgumentError, Option } from 'commander';
import type { ConnectionSettings } from '../config/connection.ts';
import { walStoreName } from '../config/store-names.ts';
import { EXIT, StructdbError } from '../core/errors.ts';
import { type ReportFlags, withReports } from './dr-test-report.ts';
import { renderDrill, renderHistory, renderScenarios } from './dr-test-text.ts';
import type { Session } from './session.ts';
import type { Shell } from './shell.ts';
import { addIdentityOption, addStoreOption, openStore } from './store.ts';
import { told } from './told.ts';

interface DrillFlags extends ReportFlags {
  readonly label?: string;
  readonly store?: string;
  readonly identity?: string;
  readonly requireRpo?: boolean;
  readonly kind?: 'dump' | 'base';
  readonly randomInstant?: boolean;
  readonly seed?: number;
  readonly scenario?: string;
}

/** Those of src/drill/scenario-result.ts: help must not load the drills. */
const SCENARIOS = [
  'server-killed',
  'data-directory-lost',
  'table-dropped',
  'backup-corrupt',
  'wal-lost',
  'store-unreachable',
  'failover',
  'disk-full',
  'server-and-receiver-lost',
];

/** `structdb dr-test [run]`. */
export function drTestCommand(shell: Shell): Command {
  return shell.group(
    'dr-test',
    'drills: a backup is really restored, timed, checked and judged',
    [
      shell.command<DrillFlags>({
        name: 'run',
        summary: 'recover the newest backup on a server of its own, and judge it (what plain "structdb dr-test" does)',
        details:
          'A base backup with its WAL where the cluster has one, else a dump. The source is never written to, and may be down: with its name in --url, the newest dump of that database is taken.',
        example: 'structdb dr-test --json',
        exitCodes: [EXIT.ok, EXIT.failed, EXIT.usage, EXIT.brokenPromise, EXIT.interrupted],
        connects: true,
        configure: (command) =>
          void addIdentityOption(addStoreOption(command))
            .addOption(
              new Option(
                '--kind <kind>',
                'what to drill (a base backup where the cluster has one, else a dump)',
              ).choices(['base', 'dump']),
            )
            .option('--label <label>', 'this backup, instead of the newest')
            .addOption(
              new Option(
                '--random-instant',
                'recover to an instant of the recovery window that chance chooses',
              ).conflicts(['requireRpo', 'label']),
            )
            .addOption(
              new Option('--seed <n>', 'the number that chose an instant: the same again')
                .argParser(natural)
                .implies({ randomInstant: true }),
            )
            .option(
              '--require-rpo',
              'fail unless the recovery point is proven, which only a base backup with its WAL can',
            )
            .addOption(
              new Option(
                '--scenario <name>',
                'break a private cluster under write load instead, and recover it; touches nothing else',
              )
                .choices([...SCENARIOS, 'all'])
                .conflicts(['label', 'kind', 'randomInstant', 'requireRpo', 'url']),
            )
            .option('--junit <file>', 'write the outcome as JUnit XML, for CI')
            .option('--html <file>', 'write the outcome as one HTML page with pictures'),
        run: runDrillCommand,
      }),
      shell.command<HistoryFlags>({
        name: 'history',
        summary: 'the drills that left evidence in the store, oldest first; needs no server',
        example: 'structdb dr-test history --last 12',
        exitCodes: [EXIT.ok, EXIT.failed, EXIT.usage],
        configure: (command) => void addStoreOption(command).option('--last <n>', 'only the last n', positive),
        run: runHistoryCommand,
      }),
    ],
    { default: 'run' },
  );
}

async function runDrillCommand(session: Session, _args: readonly unknown[], flags: DrillFlags) {
  if (flags.scenario !== undefined) return runScenariosCommand(session, flags);
  if (flags.randomInstant && flags.kind === 'dump') {
    throw new StructdbError('USAGE', 'A dump has one instant only: --random-instant needs a base backup.', {
      hint: 'Leave out --kind dump.',
    });
  }
  const { runDrill } = await import('../drill/index.ts');
  const options = {
    ...(await storesOf(session, flags)),
    connection: await knownConnection(session),
    places: await session.places(),
    objectives: (await session.config()).objectives,
    kind: flags.kind,
    label: flags.label,
    requireRpo: flags.requireRpo,
    randomInstant: flags.randomInstant ? { seed: flags.seed } : undefined,
  };
  const { result, verdict } = await told(
    session,
    'drill',
    (drill) => [drill.result.label],
    () => withReports(session, flags, () => runDrill(options, session.context)),
  );
  return { result, human: (style: Session['style']) => renderDrill(result, style), verdict };
}

async function runScenariosCommand(session: Session, flags: DrillFlags) {
  const { runScenarios, SCENARIO_NAMES } = await import('../drill/index.ts');
  const options = {
    names: SCENARIO_NAMES.filter((name) => flags.scenario === 'all' || flags.scenario === name),
    store: await openStore(session, flags.store),
    places: await session.places(),
    objectives: (await session.config()).objectives,
  };
  const { result, verdict } = await told(
    session,
    'drill',
    () => options.names,
    () => withReports(session, flags, () => runScenarios(options, session.context)),
  );
  return { result, human: (style: Session['style']) => renderScenarios(result, style), verdict };
}

interface HistoryFlags {
  readonly store?: string;
  readonly last?: number;
}

async function runHistoryCommand(session: Session, _args: readonly unknown[], { store: name, last }: HistoryFlags) {
  const { drillHistory } = await import('../drill/index.ts');
  const { baseStores } = await storesOf(session, { store: name });
  const drills = await drillHistory({ stores: baseStores, last });
  const places = baseStores.map(({ location }) => location);
  const { objectives } = await session.config();
  return {
    result: { stores: places, objectives: { rtoMs: objectives.rto, rpoMs: objectives.rpo }, drills },
    human: (style: Session['style']) => renderHistory(drills, places.join(', '), style),
  };
}

/** Dumps are looked for in the store of the daily tier, base backups in those of every tier, WAL where it is archived. */
async function storesOf(session: Session, { store: name, identity }: Pick<DrillFlags, 'store' | 'identity'>) {
  const { backup } = await session.config();
  const tiers = [backup.daily.store, backup.weekly?.store, backup.monthly?.store].filter(
    (store) => store !== undefined,
  );
  const names = name === undefined ? [...new Set(tiers)] : [name];
  const stores = await Promise.all(names.map((each) => openStore(session, each, identity)));
  const wal = name === undefined ? walStoreName(backup) : backup.wal.store;
  return {
    store: stores[0]!,
    baseStores: stores,
    walStore: wal === undefined ? undefined : await openStore(session, wal, identity),
  };
}

/** A drill needs no server but its own: where none is named, the store says what there is. */
async function knownConnection(session: Session): Promise<ConnectionSettings | undefined> {
  return session.connection().catch((error: unknown) => {
    if (error instanceof StructdbError && error.code === 'NO_CONNECTION') return undefined;
    throw error;
  });
}

function natural(text: string): number {
  if (/^\d{1,10}$/.test(text) && Number(text) < 2 ** 31) return Number(text);
  throw new InvalidArgumentError('a number from 0 to 2147483647 is needed.');
}

function positive(text: string): number {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('a number from 1 on is needed.');
}
