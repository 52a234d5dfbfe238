import type { StructdbError } from '../../core/errors.ts';
import { formatBytes, formatCount, formatDuration } from '../../core/units.ts';
import type { Check } from '../checks.ts';
import type { BaseDrillResult, DrillResult, DumpDrillResult, Rto, Verdict } from '../result.ts';
import type { ScenarioResult, ScenariosResult } from '../scenario-result.ts';

/** What a report shows, whatever was drilled. */
export interface Report {
  readonly title: string;
  readonly at: string;
  readonly structdb: string;
  readonly verdict: Verdict;
  readonly evidence: string;
  readonly sections: readonly Section[];
}

/** One recovery. */
export interface Section {
  /** The label of the backup, or the name of the scenario. */
  readonly name: string;
  readonly title: string;
  readonly ok: boolean;
  /** Why it was not tried at all. */
  readonly skipped?: string;
  readonly rto: Rto<Readonly<Record<string, number>>>;
  readonly axis: TimeAxis;
  readonly checks: readonly Check[];
  readonly facts: readonly (readonly [string, string])[];
}

/** What was covered and what was lost, up to the disaster. Instants in milliseconds since 1970. */
export interface TimeAxis {
  readonly title: string;
  readonly disasterMs: number;
  /** Everything up to here is in the copy. */
  readonly coveredMs: number;
  /** How far back the objective reaches; undefined where none is judged. */
  readonly objectiveMs: number | undefined;
  readonly ok: boolean | undefined;
  readonly message: string;
  readonly marks: readonly { readonly atMs: number; readonly name: string }[];
}

/** The report of a drill or of scenarios. */
export function reportOf(result: DrillResult | ScenariosResult): Report {
  const { at, structdb, verdict, evidence } = result;
  const common = { at, structdb, verdict, evidence };
  if (result.kind === 'scenarios') {
    const title = `Scenarios on private clusters of PostgreSQL ${result.server}`;
    return { ...common, title, sections: result.scenarios.map(ofScenario) };
  }
  const section = result.kind === 'dump' ? ofDump(result) : ofBase(result);
  return { ...common, title: `Drill of ${result.label}`, sections: [section] };
}

/** The report of a drill that could restore nothing. */
export function reportOfFailure(error: StructdbError, at: Date, structdb: string): Report {
  const verdict = { ok: false, code: error.code, message: error.message };
  return { title: 'Drill', at: at.toISOString(), structdb, verdict, evidence: '', sections: [] };
}

function ofDump(result: DumpDrillResult): Section {
  const { rto, ageOfData, rpo, rate, label } = result;
  const disasterMs = Date.parse(result.at);
  return {
    name: label,
    title: `Dump of database ${result.database}`,
    ok: result.verdict.ok,
    rto,
    axis: {
      title: 'Age of the data',
      disasterMs,
      coveredMs: disasterMs - ageOfData.ms,
      objectiveMs: ageOfData.judged ? ageOfData.limitMs : undefined,
      ok: ageOfData.judged ? ageOfData.withinLimit : undefined,
      message: `data ${formatDuration(ageOfData.ms)} old; RPO ${rpo.message}`,
      marks: [],
    },
    checks: result.checks,
    facts: [
      ...passedOver(result),
      [
        'Restored',
        `${formatCount(result.rows)} rows of ${result.tables} tables, ${formatBytes(rate.sizeBytes)} of dump`,
      ],
      ['Rate', `${formatBytes(rate.bytesPerSecond)} a second: ${covers(result)}`],
      ['Server', `backup of PostgreSQL ${result.server.backup}, restored on ${result.server.scratchMajor}`],
    ],
  };
}

function ofBase(result: BaseDrillResult): Section {
  const { rto, rpo, rate, replay, label } = result;
  return {
    name: label,
    title:
      result.target.kind === 'latest' ? 'Base backup and WAL to its end' : `Base backup and WAL to ${result.target.at}`,
    ok: result.verdict.ok,
    rto,
    axis: {
      title: 'Recovery point',
      disasterMs: Date.parse(rpo.disasterAt),
      coveredMs: Date.parse(rpo.coveredUntil),
      objectiveMs: rpo.judged ? rpo.objectiveMs : undefined,
      ok: rpo.judged ? rpo.met : undefined,
      message: rpo.message,
      marks: [],
    },
    checks: result.checks,
    facts: [
      ...passedOver(result),
      ['Backups', result.chain.join(' + ')],
      [
        'Replayed',
        `${formatBytes(replay.walBytes)} of WAL, ${replay.fromLsn} to ${replay.toLsn} on timeline ${replay.timeline}`,
      ],
      ['Rate', `${formatBytes(rate.bytesPerSecond)} of data a second: ${covers(result)}`],
      ...result.unchecked.map((line) => ['Not checked', line] as const),
      ['Server', `backup of PostgreSQL ${result.server.backup}, restored on ${result.server.scratchMajor}`],
    ],
  };
}

function ofScenario(scenario: ScenarioResult): Section {
  const { losses, rpo, events } = scenario;
  const marks = events.map(({ at, name }) => ({ atMs: Date.parse(at), name }));
  const disasterMs = marks.find(({ name }) => name === BROKEN)?.atMs ?? marks.at(-1)?.atMs ?? 0;
  const compared: Check = {
    name: 'rows',
    ok: scenario.ok,
    message: scenario.message,
    details: scenario.deviations,
  };
  return {
    name: scenario.name,
    title: scenario.title,
    ok: scenario.ok,
    ...(scenario.played ? {} : { skipped: scenario.message }),
    rto: scenario.rto,
    axis: {
      title: 'Recovery point',
      disasterMs,
      coveredMs: disasterMs - rpo.lossMs,
      objectiveMs: rpo.objectiveMs,
      ok: rpo.met,
      message:
        losses.lost === 0
          ? `all ${losses.acknowledged} acknowledged rows are there`
          : `${losses.lost} of ${losses.acknowledged} acknowledged rows lost, those of the last ${formatDuration(losses.lostMs)}`,
      marks,
    },
    checks: [compared],
    facts: scenario.said.map((line) => ['It said', line] as const),
  };
}

/** Name of the event at which a scenario breaks its cluster. */
export const BROKEN = 'broken';

function passedOver({ passedOver: passed }: DrillResult): (readonly [string, string])[] {
  return passed.map(({ label, reason }) => ['Passed over', `${label}: ${reason}`]);
}

function covers({ rate, rto }: DrillResult): string {
  return `${formatDuration(rto.objectiveMs)} cover about ${formatBytes(rate.coveredBytes)}, this one has ${formatBytes(rate.sizeBytes)}`;
}
