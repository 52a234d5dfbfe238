import { formatBytes } from '../../../core/units.ts';
import type { Evidence } from '../evidence.ts';
import { known, PROMISE_TONES, type Section, sectionOf } from './section.ts';

/** Every promise and whether it holds now, and whether anybody watches. */
export function monitoringSection({ service, promises, facts }: Evidence): Section {
  const made = promises.filter(({ state }) => state !== 'none');
  const kept = made.filter(({ state }) => state === 'kept').length;
  const broken = made.filter(({ state }) => state === 'broken').length;
  const watched = service.ok ? 'the monitor answers' : 'nobody watches them';
  return {
    ...sectionOf('monitoring', 'Promises and monitoring', [], () => ({
      tone: broken > 0 ? 'bad' : kept === made.length && service.ok && made.length > 0 ? 'good' : 'open',
      summary: `${kept} of ${made.length} promises are kept, ${broken} broken; ${watched}.`,
      facts: [
        ['Monitor', service.ok ? `${service.value.url} answers` : service.error],
        ...known(facts.disks, []).map(
          ({ place, freeBytes, sizeBytes }) =>
            [`Disk of ${place}`, `${formatBytes(freeBytes)} of ${formatBytes(sizeBytes)} free`] as const,
        ),
      ],
      tables: [
        {
          caption: 'Promises',
          head: ['', 'promise', 'what was found'],
          rows: promises.map(({ id, state, message }) => [{ tone: PROMISE_TONES[state] }, { code: id }, message]),
        },
      ],
    })),
    unread: facts.disks.ok ? [] : [facts.disks.error],
  };
}
