import type { Area } from '../confidence.ts';
import type { Evidence } from '../evidence.ts';
import { type Claim, from, now, unproven } from './proof.ts';

const WATCHED: Claim = {
  id: 'monitoring.service',
  claim: 'Somebody would notice: the monitor answers',
  share: 0.5,
  remedy: { what: 'A monitor that runs', command: 'structdb monitor serve' },
};

const KNOWN: Claim = {
  id: 'monitoring.known',
  claim: 'Of every promise it is known whether it holds',
  share: 0.5,
  remedy: { what: 'Promises that could be looked at', command: 'structdb monitor check' },
};

/** Whether the promises are watched, and can be. */
export function monitoringProofs({ service, promises }: Pick<Evidence, 'service' | 'promises'>): Area {
  const made = promises.filter(({ state }) => state !== 'none');
  const known = made.filter(({ state }) => state !== 'unknown').length;
  return {
    id: 'monitoring',
    title: 'Monitoring',
    proofs: [
      from(WATCHED, service, ({ url }) => now(WATCHED, 1, `${url} answers.`)),
      made.length === 0
        ? unproven(KNOWN, 'No promise could be looked at.')
        : now(KNOWN, known / made.length, `${known} of ${made.length} promises could be looked at.`),
    ],
  };
}
