import type { Objectives } from '../../config/schema.ts';
import type { StructdbError } from '../../core/errors.ts';
import { formatCount, formatDuration } from '../../core/units.ts';
import type { Losses, ScenarioResult } from '../scenario-result.ts';
import type { NotHere, Recovered, Scenario, Stage } from './stage.ts';

interface Outcome {
  readonly recovered: Recovered;
  readonly losses: Losses;
  readonly measuredMs: number;
  readonly objectives: Pick<Objectives, 'rto' | 'rpo'>;
}

/** A recovered scenario: everything that it lost which it should not have, or that took too long, is a deviation. */
export function judge(scenario: Scenario, stage: Stage, outcome: Outcome): ScenarioResult {
  const { recovered, losses, measuredMs, objectives } = outcome;
  const limitMs = scenario.limitMs ?? objectives.rpo;
  const { acknowledged, lost, lostArchived, lostSecured, lostMs, damaged } = losses;
  const deviations = [
    ...damaged,
    ...when(losses.recovered === 0, `none of ${rows(acknowledged)} is there`),
    ...when(lostArchived > 0, `${rows(lostArchived)} lost although the store had the WAL of ${them(lostArchived)}`),
    ...when(lostSecured > 0, `${rows(lostSecured)} lost that ${were(lostSecured)} to be in the store by then`),
    ...when(lostMs > limitMs, `${rows(lost)} of ${formatDuration(lostMs)} lost; the limit is ${spell(limitMs)}`),
    ...(recovered.deviations ?? []),
    ...when(
      measuredMs > objectives.rto,
      `the recovery took ${formatDuration(measuredMs)}; the objective is ${formatDuration(objectives.rto)}`,
    ),
  ];
  const open =
    losses.lost === 0
      ? 'nothing lost'
      : `nothing lost that was in the store; ${rows(losses.lost)} of the last ${formatDuration(losses.lostMs)} were ${recovered.lostBecause ?? 'in the segment that was still open'}`;
  return {
    name: scenario.name,
    title: scenario.title,
    played: true,
    ok: deviations.length === 0,
    message: deviations[0] ?? `${open}, recovered in ${formatDuration(measuredMs)}`,
    deviations,
    losses,
    rto: { measuredMs, objectiveMs: objectives.rto, met: measuredMs <= objectives.rto, phases: stage.phases },
    rpo: { lossMs: losses.lostMs, objectiveMs: limitMs, met: losses.lostMs <= limitMs },
    said: stage.said,
    events: stage.events,
  };
}

/** There is nothing to compare: every row is lost. */
export function notRecovered(
  scenario: Scenario,
  stage: Stage,
  error: StructdbError,
  objectives: Pick<Objectives, 'rto' | 'rpo'>,
): ScenarioResult {
  const { acknowledged } = stage.writer;
  const lostMs = acknowledged.length === 0 ? 0 : acknowledged.at(-1)!.atMs - acknowledged[0]!.atMs;
  const lost = acknowledged.length;
  return {
    name: scenario.name,
    title: scenario.title,
    played: true,
    ok: false,
    message: `not recovered: ${error.message}`,
    deviations: [`not recovered: ${error.message}`, ...error.details],
    losses: {
      acknowledged: lost,
      recovered: 0,
      lost,
      lostArchived: 0,
      lostSecured: stage.securedRows,
      lostMs,
      damaged: [],
    },
    rto: { measuredMs: sum(stage.phases), objectiveMs: objectives.rto, met: false, phases: stage.phases },
    rpo: { lossMs: lostMs, objectiveMs: scenario.limitMs ?? objectives.rpo, met: false },
    said: stage.said,
    events: stage.events,
  };
}

/** Nothing was broken, so nothing is good or bad. */
export function notPlayed(
  { name, title }: Scenario,
  error: NotHere,
  objectives: Pick<Objectives, 'rto' | 'rpo'>,
): ScenarioResult {
  const none = { acknowledged: 0, recovered: 0, lost: 0, lostArchived: 0, lostSecured: 0, lostMs: 0, damaged: [] };
  return {
    name,
    title,
    played: false,
    ok: true,
    message: `not played: ${error.message}`,
    deviations: [],
    losses: none,
    rto: { measuredMs: 0, objectiveMs: objectives.rto, met: true, phases: {} },
    rpo: { lossMs: 0, objectiveMs: objectives.rpo, met: true },
    said: [],
    events: [],
  };
}

function sum(phases: Readonly<Record<string, number>>): number {
  return Object.values(phases).reduce((total, ms) => total + ms, 0);
}

function rows(count: number): string {
  return `${formatCount(count)} acknowledged ${count === 1 ? 'row' : 'rows'}`;
}

function when(isSo: boolean, deviation: string): readonly string[] {
  return isSo ? [deviation] : [];
}

function them(count: number): string {
  return count === 1 ? 'it' : 'them';
}

function were(count: number): string {
  return count === 1 ? 'was' : 'were';
}

function spell(limitMs: number): string {
  return limitMs === 0 ? 'none' : formatDuration(limitMs);
}
