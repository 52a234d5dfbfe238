import type { TierFacts } from '../../../monitor/facts/facts.ts';
import type { PromiseVerdict } from '../../../monitor/promise.ts';
import type { Area, Proof } from '../confidence.ts';
import type { Evidence } from '../evidence.ts';
import { type Claim, from, GOOD_FOR_A_MONTH_MS, now, then, unproven } from './proof.ts';

/** Each tier that is promised: its newest backup is there in time, and somebody has read it again. */
export function backupProofs({ facts, promises }: Pick<Evidence, 'facts' | 'promises'>): Area {
  const { tiers } = facts;
  const area = { id: 'backups', title: 'Backups' };
  // What the configuration does not ask for is no promise.
  const asked = tiers.ok ? tiers.value.filter((tier) => tier.asked) : [];
  if (asked.length === 0) {
    const claim: Claim = {
      id: 'backups.tiers',
      claim: 'Every tier has its backup',
      share: 1,
      remedy: { what: 'Backups of every tier, verified', command: 'structdb backup' },
    };
    return { ...area, proofs: [from(claim, tiers, () => unproven(claim, 'No tier is configured.'))] };
  }
  const share = 1 / (2 * asked.length);
  const proofs = asked.flatMap((tier) => {
    const promise = promises.find(({ id }) => id === `backup.${tier.tier}`);
    return tierProofs(tier, share, promise);
  });
  return { ...area, proofs };
}

function tierProofs(facts: TierFacts, share: number, promise: PromiseVerdict | undefined): Proof[] {
  const { tier, kind, store, newest } = facts;
  const name = `${tier} ${kind}`;
  const made: Claim = {
    id: `backups.${tier}.made`,
    claim: `The ${name} is made in time`,
    share,
    remedy: { what: `A ${name} of the current period`, command: 'structdb backup' },
  };
  const verified: Claim = {
    id: `backups.${tier}.verified`,
    claim: `The newest ${name} was read again and found whole`,
    share,
    remedy: {
      what: `The newest ${name} read again`,
      command:
        newest === null ? 'structdb backup   then: structdb backup verify' : `structdb backup verify ${newest.label}`,
    },
  };
  if (newest === null) {
    const why = `Store "${store}" has none.`;
    return [unproven(made, why), unproven(verified, why)];
  }
  return [
    now(made, promise?.state === 'kept' ? 1 : 0, promise?.message ?? 'Whether it is in time is not known.'),
    newest.verified === null
      ? unproven(verified, `Nobody has read ${newest.label} again.`)
      : then(
          verified,
          newest.verified.ok ? 1 : 0,
          newest.verified.ok ? `${newest.label} is whole.` : `${newest.label} is damaged.`,
          newest.verified.at,
          Math.max(GOOD_FOR_A_MONTH_MS, facts.intervalMs),
        ),
  ];
}
