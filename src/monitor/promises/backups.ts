import { formatDuration } from '../../core/units.ts';
import type { Facts, TierFacts } from '../facts/facts.ts';
import type { PromiseVerdict } from '../promise.ts';
import { ago, broken, instantText, judged, kept, none, unknown } from './verdict.ts';

/** A run that is due may take so long before it counts as missing; or twice what the last one took. */
const GRACE_MS = 3_600_000;

const NAMES = ['daily', 'weekly', 'monthly'] as const;
const RUNBOOK = 'backup.md';

/** Whether each tier has the backup of its current day, week or month, and whether that was found whole. */
export function judgeBackups({ tiers }: Facts, now: Date): readonly PromiseVerdict[] {
  const ids = NAMES.map(idOf);
  return judged(tiers, { ids, what: 'The backups', runbook: RUNBOOK }, now, (found) =>
    found.map((tier) => judge(tier, now)),
  );
}

function judge(tier: TierFacts, now: Date): PromiseVerdict {
  const { newest, kind, store } = tier;
  const id = idOf(tier.tier);
  const name = `${tier.tier} ${kind}`;
  if (tier.error) {
    const last = newest
      ? [`As it was read last: ${newest.label}, made ${ago(now.getTime() - newest.at.getTime())}.`]
      : [];
    const message = `The ${name} in "${store}" cannot be read: ${tier.error}`;
    return unknown(id, 'structdb doctor', { message, details: last, runbook: RUNBOOK });
  }
  if (newest === null) {
    return tier.asked
      ? broken(id, 'structdb backup', { message: `There is no ${name} in "${store}" yet.`, runbook: RUNBOOK })
      : none(id, { message: `No ${name}; the configuration asks for none.`, runbook: RUNBOOK });
  }
  const ageMs = now.getTime() - newest.at.getTime();
  const told = `The newest ${name} was made ${ago(ageMs)}`;
  const details = [newest.label];
  const measured = { value: Math.max(0, Math.round(ageMs / 1000)), limit: tier.intervalMs / 1000, unit: 's' } as const;
  if (newest.verified?.ok === false) {
    return broken(id, `structdb backup   and look: structdb backup verify ${newest.label}`, {
      message: `${told} and is damaged: its verification failed ${ago(now.getTime() - newest.verified.at.getTime())}.`,
      details,
      measured,
      runbook: 'runbooks/backup-corrupt.md',
    });
  }
  const sinceMs = now.getTime() - tier.periodBegan.getTime();
  const since = instantText(tier.periodBegan, now);
  if (tier.due && sinceMs > Math.max(GRACE_MS, 2 * (newest.durationMs ?? 0))) {
    return broken(id, 'structdb backup   and see: structdb schedule print', {
      message: `${told}: one is due since ${since}.`,
      details,
      measured,
      runbook: RUNBOOK,
    });
  }
  const verified = newest.verified ? ', verified' : ', not verified yet';
  const due = tier.due ? `; the next is due since ${formatDuration(sinceMs)}` : '';
  return kept(id, { message: `${told}${verified}${due}.`, details, measured, runbook: RUNBOOK });
}

function idOf(tier: TierFacts['tier']): string {
  return `backup.${tier}`;
}
