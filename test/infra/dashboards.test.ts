import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { projectRoot } from '../support/cli.ts';

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly links?: readonly { readonly url: string }[];
  readonly targets?: readonly { readonly datasource: unknown }[];
  readonly fieldConfig?: { readonly defaults: { readonly unit?: string } };
}

interface Dashboard {
  readonly id: number | null;
  readonly uid: string;
  readonly title: string;
  readonly panels: readonly Panel[];
}

const folder = path.join(projectRoot, 'infra/grafana/dashboards');
const dashboards = readdirSync(folder).map(
  (name) => JSON.parse(readFileSync(path.join(folder, name), 'utf8')) as Dashboard,
);
const runbooks = dashboards.find(({ uid }) => uid === 'structdb-runbooks')!;
const overview = dashboards.find(({ uid }) => uid === 'structdb-overview')!;

it('the overview has the five panels below its numbers, and no other', () => {
  const below = overview.panels.filter(({ type }) => type !== 'stat').map(({ title, type }) => [title, type]);
  expect(below).toEqual([
    ['Top 10 slow queries', 'table'],
    ['Index hit rate', 'timeseries'],
    ['Cache hit rate', 'timeseries'],
    ['Connection pool usage', 'timeseries'],
    ['Transaction throughput', 'timeseries'],
  ]);
});

it('each has an address and a name of its own', () => {
  expect(new Set(dashboards.map(({ uid }) => uid)).size).toBe(dashboards.length);
  expect(new Set(dashboards.map(({ title }) => title)).size).toBe(dashboards.length);
});

describe.each(dashboards.map((dashboard) => [dashboard.title, dashboard] as const))('%s', (_title, dashboard) => {
  const { panels } = dashboard;

  it('can be provisioned: no number of another Grafana, panels numbered, none over another', () => {
    expect(dashboard.id).toBeNull();
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    for (const { gridPos } of panels) expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
    const over = panels.flatMap((one, index) =>
      panels
        .slice(index + 1)
        .filter((other) => overlap(one.gridPos, other.gridPos))
        .map((other) => [one.title, other.title]),
    );
    expect(over).toEqual([]);
  });

  it('says of each panel what it shows, and asks the data source of the variable', () => {
    for (const panel of panels.filter(({ targets }) => targets !== undefined)) {
      expect(panel.description).toMatch(/\.$/);
      for (const { datasource } of panel.targets!)
        expect(datasource).toEqual({ type: 'prometheus', uid: '$' + '{datasource}' });
      if (panel.type === 'timeseries') expect(panel.fieldConfig!.defaults.unit).toBeDefined();
    }
  });

  it('links to runbooks that are there', () => {
    const links = panels.flatMap((panel) => panel.links ?? []).map(({ url }) => url);
    for (const url of links) {
      const [, uid, panel] = /^\/d\/([\w-]+)\?viewPanel=(\d+)$/.exec(url)!;
      expect(uid).toBe(runbooks.uid);
      expect(runbooks.panels.map(({ id }) => id)).toContain(Number(panel));
    }
  });
});

function overlap(a: Panel['gridPos'], b: Panel['gridPos']): boolean {
  return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
}
