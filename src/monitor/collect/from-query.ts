import type { Sample } from '../metrics/metric.ts';
import type { Answer, Collector, ServerFacts } from './collector.ts';

export interface QueryCollector {
  readonly name: string;
  readonly scope: Collector['scope'];
  /** What the name of each column is put behind to name its metric; a column `structdb_…` has its whole name already. */
  readonly prefix: string;
  /** Columns that are labels. */
  readonly labels?: readonly string[];
  readonly runsOn?: Collector['runsOn'];
  readonly sql: (server: ServerFacts) => string;
}

/** A collector of one query: each row gives the samples of its columns, without those that are NULL. */
export function fromQuery({ sql, prefix, labels = [], ...rest }: QueryCollector): Collector {
  return {
    ...rest,
    collect: async (ask, server) => ({ samples: toSamples(await ask(rest.name, sql(server)), prefix, labels) }),
  };
}

/** Labels that are NULL are empty, as postgres_exporter has them. The samples of a row share one object of labels. */
export function toSamples({ columns, rows }: Answer, prefix: string, labelNames: readonly string[]): Sample[] {
  const labelled = labelNames.map((name) => [name, columns.indexOf(name)] as const);
  const valued = columns.flatMap((column, index) =>
    labelNames.includes(column)
      ? []
      : [[column.startsWith('structdb_') ? column : `${prefix}${column}`, index] as const],
  );
  const samples: Sample[] = [];
  for (const row of rows) {
    const labels: Record<string, string> = {};
    for (const [name, index] of labelled) labels[name] = row[index] ?? '';
    for (const [name, index] of valued) {
      const value = row[index];
      if (value !== null && value !== undefined) samples.push({ name, labels, value: Number(value) });
    }
  }
  return samples;
}
