import { formatBytes, formatCount, formatDuration } from '../../../core/units.ts';
import { instant } from '../../../report/page.ts';
import type { Evidence } from '../evidence.ts';
import { known, minute, type Section, sectionOf } from './section.ts';

const PROMISES = ['recovery.window', 'wal.archiving', 'wal.complete'];

/** From when to when every instant can be brought back, and what the archive holds. */
export function recoverySection({ facts, promises }: Evidence): Section {
  return sectionOf('recovery', 'Recovery window and WAL', [facts.window, facts.wal], () => {
    const window = known(facts.window, null);
    const wal = known(facts.wal, null);
    const made = promises.filter(({ id }) => PROMISES.includes(id));
    const broken = made.find(({ state }) => state === 'broken');
    const server = wal?.server;
    const isGood = window !== null && made.every(({ state }) => state === 'kept');
    return {
      tone: broken ? 'bad' : isGood ? 'good' : 'open',
      summary:
        broken?.message ??
        (window === null
          ? 'No base backup with its WAL: only whole backups can be brought back.'
          : `Every instant from ${instant(window.from.toISOString())} to ${instant(window.to.toISOString())} can be brought back.`),
      facts: [
        ...(window === null ? [] : [['Promised', `the last ${formatDuration(window.objectiveMs)}`] as const]),
        ...(window?.holes ?? []).map(
          ({ segment, lastBefore }) =>
            ['Hole', `${segment} is missing; before it, up to ${instant(lastBefore.toISOString())}`] as const,
        ),
        ...(server === null || server === undefined
          ? []
          : [
              ['Archiving', archiving(server)] as const,
              ['Waiting', server.waiting === null ? 'not known' : `${formatCount(server.waiting)} files`] as const,
            ]),
        ...(wal?.work ?? []).map((line) => ['To do', line] as const),
      ],
      tables: (wal?.clusters ?? []).map((cluster) => ({
        caption: `The archive of cluster ${cluster.systemIdentifier}: ${formatBytes(cluster.sizeBytes)}, ${formatCount(cluster.baseBackups)} base backups`,
        head: ['timeline', 'segments', 'oldest', 'newest', 'stored (UTC)', 'holes'],
        rows: cluster.timelines.map((each) => [
          { number: String(each.timeline) },
          { number: formatCount(each.segments) },
          { code: each.oldest },
          { code: each.newest },
          minute(each.newestAt.toISOString()),
          { number: formatCount(each.holes.length) },
        ]),
      })),
    };
  });
}

function archiving({ archiveMode, lastArchived, lastArchivedAt, slot }: WalServer): string {
  const last = lastArchived === null ? '' : `, the last ${lastArchived} ${instant(lastArchivedAt ?? '')}`;
  const received = slot === null ? '' : `; slot "${slot.name}" is ${slot.active ? 'read' : 'not read'}`;
  return `archive_mode is ${archiveMode}${last}${received}`;
}

type WalServer = NonNullable<NonNullable<Extract<Evidence['facts']['wal'], { ok: true }>['value']>['server']>;
