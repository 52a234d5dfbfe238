import { stat } from 'node:fs/promises';
import type { UsedStore } from '../../config/store-names.ts';
import type { RunContext } from '../../core/context.ts';
import { formatDuration } from '../../core/units.ts';
import { probeStore } from '../../storage/probe.ts';
import type { Store } from '../../storage/store.ts';
import { attempt, type Finding, finding, ok } from './finding.ts';
import { checkSpace } from './space.ts';

/** Uses each store for real: below a prefix of its own, which is empty afterwards. */
export async function checkStores(
  stores: readonly UsedStore[],
  openStore: (name: string) => Promise<Store>,
  neededBytes: number,
  context: RunContext,
): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const used of stores) {
    findings.push(
      ...(await attempt('stores', used.name, async () => {
        const store = await openStore(used.name);
        return [...(await probe(used, store, context)), ...(await directorySpace(used, store, neededBytes))];
      })),
    );
  }
  return findings;
}

async function probe({ name, usedBy }: UsedStore, store: Store, context: RunContext): Promise<Finding[]> {
  const { findings, writeMs, readMs } = await probeStore(store, context.clock);
  const bad = findings.filter((each) => !each.ok);
  // Rubbish of killed runs costs room; everything else costs backups.
  const levelOf = (check: string) => (check === 'leftovers' || check === 'clock' ? 'warning' : 'problem');
  const judged = bad.map(({ check, message, hint }) =>
    finding(levelOf(check), 'stores', `${name}.${check}`, `${store.location}: ${message}`, hint),
  );
  if (bad.some(({ check }) => levelOf(check) === 'problem')) return judged;
  const times =
    writeMs !== null && readMs !== null
      ? ` (${formatDuration(writeMs)} to write, ${formatDuration(readMs)} to read)`
      : '';
  const sealed = store.sealing ? ', encrypted' : '';
  return [
    ok(
      'stores',
      name,
      `"${name}" for ${usedBy.join(', ')}: ${store.location} keeps, lists, protects and deletes objects${times}${sealed}`,
    ),
    ...judged,
  ];
}

async function directorySpace({ name }: UsedStore, store: Store, neededBytes: number): Promise<Finding[]> {
  if (!store.location.startsWith('/') || !(await stat(store.location).catch(() => undefined))) return [];
  const place = {
    check: `store-${name}`,
    directory: store.location,
    neededBytes,
    forWhat: 'the next backup',
    elsewhere: 'stores in structdb.config.ts',
  };
  return [await checkSpace(place)];
}
