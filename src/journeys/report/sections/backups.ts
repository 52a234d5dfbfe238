import { formatBytes, formatCount, formatDuration } from '../../../core/units.ts';
import type { Evidence } from '../evidence.ts';
import { known, minute, PROMISE_TONES, type Section, sectionOf } from './section.ts';

/** The newest backup of each tier, whether it was read again, and what each store holds. */
export function backupSection({ facts, promises }: Evidence): Section {
  return sectionOf('backups', 'Backups', [facts.tiers, facts.stores], () => {
    const tiers = known(facts.tiers, []);
    const stores = known(facts.stores, []);
    const stateOf = (tier: string) => promises.find(({ id }) => id === `backup.${tier}`)?.state ?? 'unknown';
    const shown = tiers.filter(({ asked, newest }) => asked || newest !== null);
    const states = shown.map(({ tier }) => stateOf(tier));
    const silent = stores.filter(({ error }) => error !== null);
    const newest = shown.flatMap((tier) => tier.newest ?? []);
    const verified = newest.filter((each) => each.verified?.ok).length;
    const isBad = states.includes('broken') || silent.length > 0;
    return {
      tone: isBad ? 'bad' : states.includes('unknown') || verified < newest.length ? 'open' : 'good',
      summary:
        newest.length === 0
          ? 'No tier has a backup yet.'
          : `${newest.length} of ${shown.length} tiers have a backup; ${verified} of these were read again and found whole.`,
      tables: [
        {
          caption: 'The newest backup of each tier',
          head: ['', 'tier', 'backup', 'made (UTC)', 'took', 'size', 'verified (UTC)'],
          rows: shown.map(({ tier, kind, store, newest: own }) => [
            { tone: PROMISE_TONES[stateOf(tier)] },
            `${tier} ${kind} in ${store}`,
            own === null ? 'none' : { code: own.label },
            own === null ? '' : minute(own.at.toISOString()),
            { number: own?.durationMs == null ? '' : formatDuration(own.durationMs) },
            { number: own?.sizeBytes == null ? '' : formatBytes(own.sizeBytes) },
            own === null ? '' : verification(own.verified),
          ]),
        },
        {
          caption: 'Stores',
          head: ['', 'store', 'dumps', 'base backups', 'incrementals', 'answer'],
          rows: stores.map(({ store, backups, error }) => [
            { tone: error === null ? ('good' as const) : ('bad' as const) },
            store,
            { number: formatCount(backups.dump) },
            { number: formatCount(backups.base) },
            { number: formatCount(backups.incremental) },
            error ?? 'answers',
          ]),
        },
      ],
    };
  });
}

function verification(verified: { readonly at: Date; readonly ok: boolean } | null): string {
  if (verified === null) return 'never';
  return `${verified.ok ? 'whole' : 'damaged'}, ${minute(verified.at.toISOString())}`;
}
