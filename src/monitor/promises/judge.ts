import type { Objectives } from '../../config/schema.ts';
import type { Facts } from '../facts/facts.ts';
import type { LiveState } from '../live.ts';
import type { PromiseState, PromiseVerdict } from '../promise.ts';
import { judgeArchive } from './archive.ts';
import { judgeBackups } from './backups.ts';
import { judgeBench } from './bench.ts';
import { judgeDrills } from './drills.ts';
import { judgeLive } from './live.ts';
import { judgePlaces } from './places.ts';
import { judgeSchema } from './schema.ts';
import { judgeWindow } from './window.ts';

/** Every promise and whether it holds at `now`, the weightiest first. A function of what it is given and nothing else. */
export function judgePromises(
  facts: Facts,
  live: readonly LiveState[],
  objectives: Objectives,
  now: Date,
): PromiseVerdict[] {
  return [
    ...judgeWindow(facts, now),
    ...judgeDrills(facts, objectives, now),
    ...judgeBackups(facts, now),
    ...judgeArchive(facts, objectives.rpo, now),
    ...live.flatMap((state, place) => judgeLive(state, place, objectives)),
    ...judgeSchema(facts, now),
    ...judgeBench(facts, now),
    ...judgePlaces(facts, now),
  ];
}

const URGENCY: Readonly<Record<PromiseState, number>> = { broken: 0, unknown: 1, kept: 2, none: 3 };

/** Broken ones first, then unknown, then kept, then none; otherwise in the order they were in. */
export function byUrgency(promises: readonly PromiseVerdict[]): PromiseVerdict[] {
  return promises.toSorted((a, b) => URGENCY[a.state] - URGENCY[b.state]);
}
