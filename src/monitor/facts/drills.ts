import type { Config } from '../../config/schema.ts';
import { usedStores } from '../../config/store-names.ts';
import { drillHistory, type PastDrill } from '../../drill/history/index.ts';
import type { Store } from '../../storage/store.ts';

/** The last drill of each kind with the last good one. `systemIdentifier` undefined: of every cluster in the stores. */
export async function readDrills(
  policy: Config['backup'],
  openStore: (name: string) => Promise<Store>,
  systemIdentifier: string | undefined,
): Promise<{ readonly last: PastDrill; readonly lastGood: PastDrill | null }[]> {
  const stores = await Promise.all(usedStores(policy).map(({ name }) => openStore(name)));
  const past = (await drillHistory({ stores })).filter(
    (drill) => systemIdentifier === undefined || drill.systemIdentifier === systemIdentifier,
  );
  return (['base', 'dump'] as const).flatMap((kind) => {
    const own = past.filter((drill) => drill.kind === kind);
    const last = own.at(-1);
    return last === undefined ? [] : [{ last, lastGood: own.findLast(({ ok }) => ok) ?? null }];
  });
}
