/** Whether the promises hold right now: metrics for Prometheus, a status page, one verdict for each promise. */
export { type CheckOptions, type CheckResult, checkPromises, judgeCheck } from './check.ts';
export { Exporter, type ExporterOptions } from './exporter.ts';
export type { Fact, FactFailure } from './facts/fact.ts';
export type {
  AuditTrigger,
  BenchFacts,
  DiskFacts,
  Facts,
  StoreFacts,
  TierFacts,
  WindowFacts,
} from './facts/facts.ts';
export { FactGatherer, type FactSources } from './facts/gatherer.ts';
export type { LiveSample, LiveState, SlowQuery } from './live.ts';
export { Monitor, type MonitorOptions } from './monitor.ts';
export type { PromiseState, PromiseVerdict } from './promise.ts';
export { byUrgency, judgePromises } from './promises/judge.ts';
export { type ServeOptions, type ServeResult, serveMonitor } from './serve.ts';
export type { MonitorView } from './view.ts';
