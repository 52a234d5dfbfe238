import type { Rto, Verdict } from './result.ts';

/** The ways to break a cluster (docs/dr-test.md, "Scenarios"), in the order in which `--scenario all` plays them. */
export const SCENARIO_NAMES = [
  'server-killed',
  'data-directory-lost',
  'table-dropped',
  'backup-corrupt',
  'wal-lost',
  'store-unreachable',
  'failover',
  'disk-full',
  'server-and-receiver-lost',
] as const;

export type ScenarioName = (typeof SCENARIO_NAMES)[number];

/** What became of the rows that the server had acknowledged, row by row. */
export interface Losses {
  readonly acknowledged: number;
  /** Acknowledged rows that are there after the recovery, whole. */
  readonly recovered: number;
  /** Acknowledged rows that are not there. */
  readonly lost: number;
  /** Of these, the ones whose WAL was durable in the store. */
  readonly lostArchived: number;
  /** Of these, the ones that were acknowledged before the scenario saw the archiver done. */
  readonly lostSecured: number;
  /** From the newest acknowledged row that survived to the newest acknowledged row. */
  readonly lostMs: number;
  /** Rows that hold something else than was written, or that nobody wrote: one line each. */
  readonly damaged: readonly string[];
}

/** An instant on the time axis of a scenario. */
export interface ScenarioEvent {
  readonly at: string;
  readonly name: string;
}

export interface ScenarioResult {
  readonly name: ScenarioName;
  /** What breaks. */
  readonly title: string;
  /** False where this machine cannot: `message` says why, and the rest is empty. */
  readonly played: boolean;
  readonly ok: boolean;
  /** The first deviation, or what was found. */
  readonly message: string;
  readonly deviations: readonly string[];
  readonly losses: Losses;
  /** Phases by name, in milliseconds, in the order in which they happened. */
  readonly rto: Rto<Readonly<Record<string, number>>>;
  readonly rpo: { readonly lossMs: number; readonly objectiveMs: number; readonly met: boolean };
  /** What the recovery itself said: a fallback, how far replay can get. */
  readonly said: readonly string[];
  readonly events: readonly ScenarioEvent[];
}

/** What `dr-test --scenario` found; also the evidence that it leaves. */
export interface ScenariosResult {
  readonly kind: 'scenarios';
  readonly structdb: string;
  readonly at: string;
  /** Of the private clusters. */
  readonly server: string;
  readonly verdict: Verdict;
  readonly scenarios: readonly ScenarioResult[];
  readonly evidence: string;
}
