import type { MetricName } from '../metric-name.ts';

/** What a rule says when it fires, with Prometheus' templates in it. */
export interface Texts {
  /** One line: what is wrong, with the value. */
  readonly summary: string;
  /** What it threatens and the command that shows more or mends it. */
  readonly description: string;
}

/** Series by which promtool proves that the rule fires and clears, in its notation. */
export interface Proof {
  /** One sample for each so many minutes (1), and a look at the rule: for what takes days. */
  readonly everyMinutes?: 10;
  readonly series: Readonly<Record<string, string>>;
  /** Instants (`3m`) at which nothing may be said although samples are there: values that are fine, or not yet for long enough. */
  readonly quiet: readonly string[];
  readonly fires: Texts & { readonly at: string; readonly labels: Readonly<Record<string, string>> };
  readonly clears: string;
}

/** One alert, with all that is written of it: the rule, its unit test, its section of docs/alerts.md. */
export interface Alert {
  readonly name: `Structdb${string}`;
  readonly severity: 'critical' | 'warning' | 'info';
  readonly expr: string;
  /** How long it has to hold before anybody is called. */
  readonly for: string;
  readonly says: Texts;
  /** For docs/alerts.md, in Markdown: what it means, what to look at, what mends it. */
  readonly means: string;
  readonly look: string;
  readonly fix: string;
  readonly proof: Proof;
  /** Further ways to fire. */
  readonly also?: readonly Proof[];
}

/** Alerts about one matter. */
export interface AlertGroup {
  readonly name: string;
  readonly title: string;
  readonly alerts: readonly Alert[];
}

/** How the proofs' series are labelled. */
export const DB = 'job="structdb",instance="db:9187"';
export const DB_LABELS = Object.freeze({ job: 'structdb', instance: 'db:9187' });

/** A series of a proof. */
export function series(name: MetricName | 'up', labels = ''): string {
  return `${name}{${DB}${labels === '' ? '' : `,${labels}`}}`;
}
