/** Drills: a real restore of a real backup on a server of its own, timed, checked, judged and recorded. */
export type { AgeOfData } from './age.ts';
export { type BaseDrillOptions, runBaseDrill } from './base/drill.ts';
export type { Check } from './checks.ts';
export { type CopyOptions, judgeCopy } from './copy.ts';
export { type DrillOptions, runDrill } from './drill.ts';
export { drillHistory, type PastDrill } from './history/index.ts';
export type { RecoveryPoint } from './recovery-point.ts';
export { toHtml } from './report/html.ts';
export { toJUnit } from './report/junit.ts';
export { type Report, reportOf, reportOfFailure, type Section, type TimeAxis } from './report/report.ts';
export type {
  BaseDrillResult,
  BasePhases,
  DrillResult,
  DumpDrillResult,
  PassedOver,
  Rto,
  RtoPhases,
  Verdict,
} from './result.ts';
export { type Drill, type DrillOptions as DumpDrillOptions, runDumpDrill } from './run.ts';
export {
  type Losses,
  SCENARIO_NAMES,
  type ScenarioEvent,
  type ScenarioName,
  type ScenarioResult,
  type ScenariosResult,
} from './scenario-result.ts';
export { runScenarios, type ScenarioOptions } from './scenarios/run.ts';
export type { WriteProbe } from './write-probe.ts';
