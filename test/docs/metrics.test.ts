import { readFileSync } from 'node:fs';
import { expect, it } from '@jest/globals';
import type { Metric } from '../../src/monitor/metrics/metric.ts';
import { OWN_METRICS } from '../../src/monitor/metrics/own.ts';
import { PG_METRICS, PROCESS_METRICS } from '../../src/monitor/metrics/postgres.ts';

const page = readFileSync('docs/monitoring-metrics.md', 'utf8');
const [upstream, own] = page.split('## Names of structdb') as [string, string];
const cells = (text: string) =>
  [...text.matchAll(/^\| `.*$/gm)].map(([line]) =>
    line
      .slice(2, -1)
      .replaceAll('`', '')
      .split(' |')
      .map((cell) => cell.trim()),
  );
const forms = (metrics: Readonly<Record<string, Metric>>) =>
  Object.entries(metrics).map(([name, { type, labels }]) => `${name} ${type} ${labels.join(', ')}`.trim());

it('the page of metrics has each name of postgres_exporter that is told, with its type and labels', () => {
  const rows = cells(upstream).filter(([name, told]) => told === 'present' && !name!.includes('<'));
  expect(rows.map(([name, , type, labels]) => `${name} ${type} ${labels}`.trim())).toEqual(
    forms({ ...PG_METRICS, ...PROCESS_METRICS }),
  );
});

it('says why another one is absent', () => {
  const rows = cells(upstream).filter(([, told]) => told !== 'present');
  expect(rows.length).toBeGreaterThan(5);
  for (const [name, told, , , why] of rows)
    expect({ name, told, why }).toEqual({ name, told: 'absent', why: expect.stringMatching(/\w/) });
});

it("has each of structdb's own names, with its type, labels and meaning", () => {
  const rows = cells(own).map(([name, type, labels, help]) => `${name} ${type} ${labels} ${help}`);
  expect(rows).toEqual(
    Object.entries(OWN_METRICS as Record<string, Metric>).map(
      ([name, { type, labels, help }]) => `${name} ${type} ${labels.join(', ')} ${help}`,
    ),
  );
});
