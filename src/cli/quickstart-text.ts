import type { BenchResult, Verdict } from '../bench/index.ts';
import type { ListResult } from '../catalog/index.ts';
import { formatBytes, formatCount, formatDuration } from '../core/units.ts';
import type { QuickstartResult } from '../journeys/quickstart.ts';
import type { Style } from './output.ts';

/** What was proven, on one screen, and where to go from here. */
export function renderQuickstart(result: QuickstartResult, style: Style): string {
  const { server, schema, catalogs, sample, bench, backup, drill } = result;
  const rows: [string, string][] = [
    ['server', `PostgreSQL ${server.version}${server.embedded ? ' (embedded)' : ''}, ${server.url}`],
    ['schema', `${schema.current ?? 'none'}${schema.steps.length === 0 ? ', as it was' : ''}`],
    ...editions(catalogs),
    ['rows', `${formatCount(sample.projects + sample.alreadyThere)} projects with payloads and events`],
    ...timings(bench, style),
  ];
  if (backup)
    rows.push(['backup', `${backup.label}, ${formatBytes(backup.sizeBytes)}, ${formatCount(backup.rows ?? 0)} rows`]);
  if (drill) {
    const { rto, checks } = drill;
    const good = checks.filter(({ ok }) => ok).length;
    rows.push(
      [
        'restored',
        `RTO ${formatDuration(rto.measuredMs)} of ${formatDuration(rto.objectiveMs)} ${mark(rto.met ? 'pass' : 'fail', style)}`,
      ],
      ['', `${good} of ${checks.length} checks hold: ${formatCount(drill.rows)} rows as they were backed up`],
    );
  }
  const width = Math.max(...rows.map(([name]) => name.length));
  return [
    '',
    style.bold(`structdb quickstart, ${formatDuration(result.durationMs)}`),
    ...rows.map(([name, value]) => `  ${style.dim(name.padEnd(width))}  ${value}`),
    '',
    'Try next:',
    '  npx structdb catalog show W14X90    a shape with its units and origin',
    '  npx structdb bench                  every query with its percentiles',
    backup
      ? '  npx structdb dr-test                the drill alone, check by check'
      : '  npx structdb dev psql               the database itself',
  ].join('\n');
}

/** Shapes by edition; grades and references have dozens of small ones, which go together. */
function editions({ editions: stored, rows: total }: ListResult): [string, string][] {
  const shapes = stored.filter(({ kind }) => kind === 'shape');
  const grades = stored.filter(({ kind }) => kind === 'material' || kind === 'bolt');
  const references = stored.filter(({ kind }) => kind === 'reference');
  const count = (of: typeof stored) => formatCount(of.reduce((sum, { rows }) => sum + rows, 0));
  const lines = shapes.map(
    ({ standard, edition, unitSystem, rows }) =>
      `${formatCount(rows)} shapes of ${standard} ${edition} in ${unitSystem} units`,
  );
  const standards = new Set(grades.map(({ standard }) => standard)).size;
  if (grades.length > 0) lines.push(`${count(grades)} grades of ${standards} ASTM standards`);
  if (references.length > 0) {
    const named = references.map(({ standard, edition }) => `${standard}-${edition}`).join(', ');
    lines.push(`${count(references)} references: ${named}`);
  }
  return [['catalogs', `${formatCount(total)} rows`], ...lines.map((line): [string, string] => ['', line])];
}

const CLASSES: Readonly<Record<string, string>> = {
  simple: 'simple filters',
  complex: 'complex queries',
  aggregation: 'aggregations',
};

function timings(bench: BenchResult, style: Style): [string, string][] {
  const point = bench.points[0]!;
  const lines = point.classes.map((one): [string, string] => [
    '',
    `${(CLASSES[one.class] ?? one.class).padEnd(16)} p95 ${one.p95Ms === null ? 'n/a' : formatDuration(one.p95Ms)} of ${formatDuration(one.targetMs)} ${mark(one.verdict, style)}${one.slowest ? style.dim(` (slowest: ${one.slowest})`) : ''}`,
  ]);
  const rates = point.rates.map((rate): [string, string] => [
    '',
    `${(rate.name === 'indexHitRate' ? 'index hit rate' : 'cache hit rate').padEnd(16)} ${percent(rate.value)}, target ≥ ${percent(rate.target)} ${mark(rate.verdict, style)}`,
  ]);
  return [['queries', `${point.queries.length} timed in a database of their own`], ...lines, ...rates];
}

function percent(value: number | null): string {
  return value === null ? 'n/a' : `${(value * 100).toFixed(1)} %`;
}

function mark(verdict: Verdict, style: Style): string {
  if (verdict === 'pass') return style.green('met');
  return verdict === 'fail' ? style.red('missed') : style.yellow('undecided');
}
