/** Drills: a real restore of a real backup on a server of its own, timed, checked, judged and recorded. */
export type { Check } from './checks.ts';
export { type DrillOptions, type DrillResult, type RtoPhases, runDrill } from './run.ts';
