import type { Config } from '../../config/schema.ts';
import type { RunContext } from '../../core/context.ts';
import { formatDuration } from '../../core/units.ts';
import { drillHistory } from '../../drill/history/index.ts';
import type { SearchPlaces } from '../../programs/find.ts';
import { lastVerification, listBackups } from '../../repository/backups.ts';
import { type RecoveryWindow, recoveryWindows } from '../../repository/recovery-window.ts';
import { findRepositories } from '../../repository/repository.ts';
import type { Store } from '../../storage/store.ts';
import { type Finding, finding, ok } from './finding.ts';

const DAY_MS = 86_400_000;

/** Which cluster and database the backups must be of; undefined: the server cannot say. */
export interface Whose {
  readonly systemIdentifier: string | null;
  readonly database: string | undefined;
}

/** How long after a backup of a tier the next one is late; an hour for the run itself. */
const LATE_MS = { daily: DAY_MS + DAY_MS / 24, weekly: 7 * DAY_MS + DAY_MS / 24, monthly: 31 * DAY_MS + DAY_MS / 24 };

/** For each tier of the configuration: is there a backup, is it fresh, was it found whole. */
export async function checkFreshness(
  { backup }: Config,
  whose: Whose,
  openStore: (name: string) => Promise<Store>,
  context: RunContext,
): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const tier of ['daily', 'weekly', 'monthly'] as const) {
    const rule = backup[tier];
    if (!rule) continue;
    const store = await openStore(rule.store);
    const newest = await newestOf(store, rule.kind, whose);
    const what = `${tier} ${rule.kind}`;
    if (!newest) {
      findings.push(
        finding('warning', 'backups', tier, `${store.location} has no ${what} yet.`, 'Make it: structdb backup'),
      );
      continue;
    }
    const ageMs = context.clock.now().getTime() - newest.entry.parts.at.getTime();
    const told = `the newest ${what} is ${newest.entry.label}, ${formatDuration(Math.max(0, ageMs))} old`;
    if (ageMs > LATE_MS[tier]) {
      findings.push(
        finding(
          'problem',
          'backups',
          tier,
          `${capital(told)}: it is overdue.`,
          'Run: structdb backup   and see: structdb schedule print',
        ),
      );
    } else if (newest.verified === false) {
      findings.push(
        finding(
          'problem',
          'backups',
          tier,
          `${capital(told)}, and its last verification found it broken.`,
          `Make a new one: structdb backup run${rule.kind === 'dump' ? '' : ` --kind ${rule.kind}`}`,
        ),
      );
    } else findings.push(ok('backups', tier, `${told}${newest.verified ? ', verified' : ''}`));
  }
  return findings;
}

async function newestOf(store: Store, kind: string, { systemIdentifier, database }: Whose) {
  let newest: Awaited<ReturnType<typeof listBackups>>[number] | undefined;
  for (const repository of await findRepositories(store)) {
    if (systemIdentifier !== null && repository.systemIdentifier !== systemIdentifier) continue;
    for (const entry of await listBackups(repository)) {
      const serves = kind === 'dump' ? entry.parts.kind === 'dump' : entry.parts.kind !== 'dump';
      if (!serves || (kind === 'dump' && database !== undefined && entry.parts.database !== database)) continue;
      if (!newest || entry.parts.at > newest.parts.at) newest = entry;
    }
  }
  return newest && { entry: newest, verified: (await lastVerification(newest))?.ok };
}

/** From when to when every instant can be brought back, and what breaks that. */
export async function checkWindow(
  stores: { readonly base: Store; readonly wal: Store },
  systemIdentifier: string,
  { backup }: Config,
  places: SearchPlaces,
  context: RunContext,
): Promise<Finding[]> {
  const windows = await recoveryWindows(stores.base, stores.wal, context, { places, systemIdentifier });
  const newest = windows.at(-1);
  if (!newest) return [];
  const [from, to] = [Date.parse(newest.from), Date.parse(newest.to)];
  const told = `every instant from ${newest.from} to ${newest.to} can be brought back (${formatDuration(Math.max(0, to - from))})`;
  const wantedFrom = context.clock.now().getTime() - backup.wal.recoveryWindow;
  const holes = windows.filter((window) => window.missing !== null && Date.parse(window.to) >= wantedFrom);
  return [ok('backups', 'window', told), ...holes.map(holeFinding)];
}

function holeFinding({ missing, to }: RecoveryWindow): Finding {
  return finding(
    'problem',
    'backups',
    'window',
    `WAL segment ${missing} is missing: what was committed behind ${to} cannot be brought back, up to the next base backup.`,
    'Look for it (structdb wal verify), and begin a new window now: structdb backup run --kind base',
  );
}

/** When the last drill was, and whether it held. */
export async function checkDrills(
  stores: readonly Store[],
  whose: Whose,
  { drillInterval }: Config['objectives'],
  context: RunContext,
): Promise<Finding[]> {
  const past = (await drillHistory({ stores })).filter(
    ({ systemIdentifier }) => whose.systemIdentifier === null || systemIdentifier === whose.systemIdentifier,
  );
  const last = past.at(-1);
  if (!last) {
    return [
      finding(
        'warning',
        'drills',
        'last',
        'No drill was ever run: nobody knows that these backups restore.',
        'Run: structdb dr-test',
      ),
    ];
  }
  const ageMs = context.clock.now().getTime() - Date.parse(last.at);
  const told = `The last drill, of ${last.label} ${formatDuration(Math.max(0, ageMs))} ago,`;
  if (!last.ok) {
    return [
      finding(
        'problem',
        'drills',
        'last',
        `${told} failed (${last.code ?? 'unknown'}).`,
        'Look at it: structdb dr-test history; then: structdb dr-test',
      ),
    ];
  }
  if (ageMs > drillInterval) {
    return [
      finding(
        'warning',
        'drills',
        'last',
        `${told} held, but is stale.`,
        'Run: structdb dr-test   and see: structdb schedule print',
      ),
    ];
  }
  return [ok('drills', 'last', `the last drill, of ${last.label} ${formatDuration(Math.max(0, ageMs))} ago, held`)];
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
