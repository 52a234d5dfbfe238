import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { freePort } from '../../src/postgres/cluster.ts';
import { type Family, readExposition } from '../support/exposition.ts';
import { sql, urlOf, useServer } from '../support/postgres.ts';
import { describeWith } from '../support/programs.ts';
import { newExporter, scrape } from './support.ts';

const server = useServer();
let peer: ChildProcess | undefined;

afterAll(() => {
  peer?.kill();
});

/** The names that docs/monitoring-metrics.md calls absent; `*` stands for any end. */
const absent = [...readFileSync('docs/monitoring-metrics.md', 'utf8').matchAll(/^\| `(pg_\S+)` \| absent \|/gm)].map(
  ([, name]) => new RegExp(`^${name!.replaceAll('*', '.*')}$`),
);

describeWith(['prometheus-postgres-exporter'], "Debian's postgres_exporter", () => {
  let theirs: Map<string, Family>;
  let ours: Map<string, Family>;

  beforeAll(async () => {
    const database = await server.createDatabase();
    await sql(database, (client) => client.query('create extension pg_stat_statements; create table part (id int)'));
    const port = await freePort();
    peer = spawn('prometheus-postgres-exporter', [`--web.listen-address=127.0.0.1:${port}`], {
      env: { PATH: process.env.PATH, DATA_SOURCE_NAME: urlOf(database) },
      stdio: 'ignore',
    });
    theirs = await answered(`http://127.0.0.1:${port}/metrics`);
    ours = await scrape(newExporter(database));
  });

  it('has the same type and labels for every name that both have', () => {
    const shared = [...theirs.keys()].filter((name) => ours.has(name));
    expect(shared.length).toBeGreaterThan(250);
    // Both have had more labels since 0.12.
    const changed = ['pg_stat_activity_count', 'pg_stat_activity_max_tx_duration'];
    const differing = shared
      .filter((name) => !changed.includes(name))
      .flatMap((name) => {
        const form = (family: Family) => `${family.type}(${labelNames(family).join(', ')})`;
        const [mine, yours] = [form(ours.get(name)!), form(theirs.get(name)!)];
        return mine === yours ? [] : [`${name}: ${mine}, theirs ${yours}`];
      });
    expect(differing).toEqual([]);
  });

  it('tells nothing else of PostgreSQL than what the documentation calls absent', () => {
    const missing = [...theirs.keys()].filter((name) => name.startsWith('pg_') && !ours.has(name));
    // Not a number before the first segment is archived: no sample here.
    const unexplained = missing.filter((name) => !absent.some((known) => known.test(name)));
    expect(unexplained.filter((name) => name !== 'pg_stat_archiver_last_archive_age')).toEqual([]);
  });

  it('tells the same numbers where they stand still', () => {
    // Its driver sets one for its own session.
    const settings = [...ours.keys()].filter(
      (name) => name.startsWith('pg_settings_') && name !== 'pg_settings_extra_float_digits',
    );
    for (const name of settings.filter((key) => theirs.has(key)))
      expect({ name, value: ours.get(name)!.series[0]!.value }).toEqual({
        name,
        value: theirs.get(name)!.series[0]!.value,
      });
  });
});

/** Its own label `server` is gone since 0.20. */
function labelNames({ series }: Family): string[] {
  return [...new Set(series.flatMap(({ labels }) => Object.keys(labels)))]
    .filter((name) => name !== 'server')
    .toSorted();
}

async function answered(url: string): Promise<Map<string, Family>> {
  for (;;) {
    try {
      const families = readExposition(await (await fetch(url)).text());
      if (families.has('pg_settings_max_connections')) return families;
    } catch {
      // It does not listen yet.
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
