/** Queries, timed and judged in a database of their own. */
export { type AgainstOptions, benchAgainst, type Rival } from './against/against.ts';
export type { AgainstResult, AgainstSide } from './against/result.ts';
export type { ComparedPlan } from './compare/changed-access.ts';
export { type CompareRunsOptions, compareRuns, DEFAULT_THRESHOLD } from './compare/compare-runs.ts';
export type {
  Change,
  ComparedPoint,
  ComparedQuery,
  ComparedSide,
  Comparison,
  RunDifference,
  RunReference,
} from './compare/comparison.ts';
export { formatP, judgeComparison, worseOf } from './compare/judge.ts';
export type { KeptData } from './data/kept.ts';
export {
  type DroppedData,
  dropSeeded,
  listSeeded,
  type SeededData,
  type SeedOptions,
  type StoredData,
  seedBench,
} from './data/seed.ts';
export { type BenchEnvironment, type Difference, differencesOf } from './environment.ts';
export { judgeBench } from './judge/assess.ts';
export { describeLoop } from './judge/describe-loop.ts';
export type { Verdict } from './judge/verdict.ts';
export type { AccessFindings, LargeTableScan } from './observe/access.ts';
export type { HitRates } from './observe/counters.ts';
export type { QueryRates } from './observe/query-rates.ts';
export { comparePlans, type PlanChange, type PlanDiffLine } from './plans/compare-plans.ts';
export { describeMissed } from './plans/missed-index.ts';
export type { MissedIndex, PlanNode, PlanRecord, PlanVariant } from './plans/plan-record.ts';
export { renderPlan } from './plans/plan-text.ts';
export { pointName } from './point-name.ts';
export {
  againstToHtml,
  againstToJUnit,
  againstToMarkdown,
  type BenchReport,
  type QuerySamples,
  type Rendering,
  renderingOfAgainst,
  renderingOfRun,
  toHtml,
  toJUnit,
  toMarkdown,
} from './report/index.ts';
export type {
  BenchResult,
  ClassResult,
  ClassThroughput,
  DataFacts,
  Doubt,
  Growth,
  JudgedRate,
  JudgedUtilisation,
  LoopFacts,
  Point,
  QueryGrowth,
  QueryResult,
  ThroughputGrowth,
} from './result.ts';
export { BENCH_DEFAULTS, type BenchOptions, bench, measureBench, QUICK_DEFAULTS } from './run.ts';
export type { SideBySide, SideBySideQuery, WayResult } from './side-by-side/side-by-side.ts';
export { WAYS, type Way } from './side-by-side/ways.ts';
export type { Percentile } from './statistics/percentiles.ts';
export {
  encodeStoredRun,
  type FoundRun,
  newestRunFile,
  type RunPlaces,
  readStored,
  readStoredFile,
  readStoredRun,
  type StoredAgainst,
  type StoredResult,
  type StoredRun,
  saveBaseline,
  storeAgainst,
  storeRun,
} from './store/index.ts';
export { blocksOf, type RawSamples } from './store/raw-samples.ts';
export {
  type BuiltQuery,
  type DrawFunction,
  type Drawn,
  type DrawStatements,
  defineSuite,
  type SqlQuery,
  type SuiteDefinition,
} from './suite/define-suite.ts';
export { type ListedQuery, listQueries, type SuiteList } from './suite/list-queries.ts';
export {
  type LoadedSuite,
  loadSuite,
  type SuiteFacts,
  type SuiteMember,
} from './suite/load-suite.ts';
export type { Compilable, QueryClass, Statement, Suite, SuiteQuery, SuiteSources } from './suite/query.ts';
