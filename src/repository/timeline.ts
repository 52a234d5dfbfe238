import { type Lsn, parseLsn } from '../core/lsn.ts';

/** One ancestor of a timeline: it is followed up to `switchLsn` (exclusive), where its child begins. */
export interface Ancestor {
  readonly timeline: number;
  readonly switchLsn: Lsn;
}

/** A stretch of a timeline's path: from `beginLsn` up to `endLsn` (exclusive; undefined for the last one) on `timeline`. */
export interface PathStep {
  readonly timeline: number;
  readonly beginLsn: Lsn;
  readonly endLsn: Lsn | undefined;
}

/**
 * The ancestors that a history file names, oldest first (PostgreSQL source, src/backend/access/transam/timeline.c:
 * a line is `<timeline> <switch point> <reason>`, `#` begins a comment). undefined when it is not one.
 */
export function parseHistory(text: string): Ancestor[] | undefined {
  const ancestors: Ancestor[] = [];
  for (const line of text.split('\n').map((each) => each.trim())) {
    if (line === '' || line.startsWith('#')) continue;
    const [timeline, lsn] = line.split(/\s+/);
    const switchLsn = parseLsn(lsn ?? '');
    const last = ancestors.at(-1);
    if (!/^\d+$/.test(timeline ?? '') || switchLsn === undefined) return undefined;
    if (last && Number(timeline) <= last.timeline) return undefined;
    ancestors.push({ timeline: Number(timeline), switchLsn });
  }
  return ancestors;
}

/** The way that replay takes to the end of `timeline`, oldest stretch first. Timeline 1 has no history. */
export function pathTo(timeline: number, ancestors: readonly Ancestor[]): PathStep[] {
  const steps: PathStep[] = [];
  let beginLsn: Lsn = 0n;
  for (const { timeline: id, switchLsn } of ancestors) {
    steps.push({ timeline: id, beginLsn, endLsn: switchLsn });
    beginLsn = switchLsn;
  }
  return [...steps, { timeline, beginLsn, endLsn: undefined }];
}

/** The timeline that holds the byte at `lsn` on a path. */
export function timelineAt(path: readonly PathStep[], lsn: Lsn): number {
  return path.find(({ endLsn }) => endLsn === undefined || lsn < endLsn)!.timeline;
}
