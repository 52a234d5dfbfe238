import type { Metric, Sample } from './metric.ts';

/** The media type of `renderMetrics`. */
export const EXPOSITION_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/**
 * Samples in Prometheus' text format 0.0.4, families in the order of their first sample, each with its HELP and TYPE once.
 * OpenMetrics would add `_total` to the names of counters, and break every dashboard made for postgres_exporter.
 * https://prometheus.io/docs/instrumenting/exposition_formats/
 * @param describe gives the family of a name; called once for each
 */
export function renderMetrics(samples: Iterable<Sample>, describe: (name: string) => Metric): string {
  const families = new Map<string, { readonly labels: string[]; readonly values: number[] }>();
  let lastLabels: Sample['labels'] | undefined;
  let lastText = '';
  for (const { name, labels, value } of samples) {
    // The samples of a row come one after the other and share their labels, which are most of the text: written out once.
    if (labels !== lastLabels) {
      lastLabels = labels;
      lastText = `${labelsText(labels)} `;
    }
    let family = families.get(name);
    if (!family) {
      family = { labels: [], values: [] };
      families.set(name, family);
    }
    family.labels.push(lastText);
    family.values.push(value);
  }
  let text = '';
  for (const [name, { labels, values }] of families) {
    text += headOf(name, describe(name));
    for (let line = 0; line < labels.length; line += 1) text += `${name + labels[line] + valueText(values[line]!)}\n`;
  }
  return text;
}

function headOf(name: string, { type, help }: Metric): string {
  return `# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${type}\n`;
}

function labelsText(labels: Readonly<Record<string, string>>): string {
  let text = '';
  for (const name in labels) text += `${text === '' ? '{' : ','}${name}="${escapeValue(labels[name]!)}"`;
  return text === '' ? '' : `${text}}`;
}

function valueText(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (Number.isFinite(value)) return String(value);
  return value > 0 ? '+Inf' : '-Inf';
}

function escapeHelp(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}

function escapeValue(text: string): string {
  return /[\\"\n]/.test(text) ? text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n') : text;
}
