/** A family of series as the exporter shows it. */
export interface Metric {
  /** `counter` for what only grows until the server's statistics are reset. */
  readonly type: 'counter' | 'gauge' | 'untyped';
  /** One sentence. */
  readonly help: string;
  /** In the order in which they are written. */
  readonly labels: readonly string[];
}

/** One value of a family. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** NaN and infinities are written as Prometheus has them. */
  readonly value: number;
}

export function counter(help: string, ...labels: readonly string[]): Metric {
  return Object.freeze({ type: 'counter', help, labels });
}

export function gauge(help: string, ...labels: readonly string[]): Metric {
  return Object.freeze({ type: 'gauge', help, labels });
}
