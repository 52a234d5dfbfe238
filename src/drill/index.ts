/** Drills: a real restore of a real backup on a server of its own, timed, checked, judged and recorded. */
export type { AgeOfData } from './age.ts';
export type { Check } from './checks.ts';
export { type CopyOptions, judgeCopy } from './copy.ts';
export type { DrillResult, PassedOver, RtoPhases, Verdict } from './result.ts';
export { type Drill, type DrillOptions, runDrill } from './run.ts';
export type { WriteProbe } from './write-probe.ts';
