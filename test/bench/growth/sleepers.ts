import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll } from '@jest/globals';
import type { BenchOptions, BenchResult } from '../../../src/bench/index.ts';
import type { ConnectionSettings } from '../../../src/config/connection.ts';
import { configSchema } from '../../../src/config/schema.ts';
import type { ProgressEvent } from '../../../src/core/progress.ts';
import { temporaryRoot } from '../../../src/programs/own-directory.ts';
import { sql } from '../../support/postgres.ts';

const projectRoot = mkdtempSync(path.join(temporaryRoot(), 'structdb-growth-'));
afterAll(() => rmSync(projectRoot, { recursive: true, force: true }));

/**
 * Each turn sleeps a short or a long time, and a little more than half of them the short one: whatever the machine, the
 * interval of the median reaches from the short ones to the long ones while there are few samples, and no longer when there
 * are enough. Of 200 its upper end is the 115th, of 400 the 221st.
 */
interface Turns {
  /** Of a hundred turns: with 57 they are 114 of 200 and 228 of 400, with 54 they are 108 and 216. */
  readonly short: number;
  readonly longMs: number;
}
const DECIDED_BY_400: Turns = { short: 57, longMs: 40 };
const UNDECIDED_AT_400: Turns = { short: 54, longMs: 60 };

const STEADY = `
-- name: steady
select pg_sleep(:pause::text::float8) from projects limit 1;
`;
/**
 * Eight times as long where there are more than 100 projects. A machine may be late by many milliseconds: the short ones
 * are then still far slower than the limit (32 to 4 ms), and before they are enough far from it (32 to the long ones' 40).
 */
const SLOWING = `
-- name: slowing
select pg_sleep(:pause::text::float8 * case when count(*) > 100 then 8 else 1 end) from projects;
`;

function suite(name: string, { short, longMs }: Turns, ...queries: readonly string[]): Pick<BenchOptions, 'sources'> {
  const file = path.join(projectRoot, `${name}.sql`);
  const isShort = `(turn + 1) * ${short} / 100 > turn * ${short} / 100`;
  const draw = `-- draw pause: select case when ${isShort} then 0.004 else ${longMs / 1000} end from generate_series(0, 99) turn order by turn\n`;
  writeFileSync(file, [draw, ...queries].join(''));
  return { sources: { suites: [file], projectRoot } };
}

export const both = suite('both', DECIDED_BY_400, STEADY, SLOWING);
export const steady = suite('steady', DECIDED_BY_400, STEADY);
export const endless = suite('endless', UNDECIDED_AT_400, STEADY);
/** The targets of latencies are not what is tried here. */
const objectives = { ...configSchema.parse({}).objectives, simpleFilters: 60_000, simpleGrowth: 1.75 };
// Preparing eight sessions takes these sleepers seconds.
export const amount = { objectives, projects: [10, 1000], clients: 8, samples: 200, maxSamples: 6400, prepare: false };

export async function databases(connection: ConnectionSettings): Promise<string[]> {
  return sql(connection, async (client) => {
    const { rows } = await client.query<{ name: string }>(
      `select datname as name from pg_database
       where starts_with(datname, 'structdb_bench_') and pg_get_userbyid(datdba) = current_user`,
    );
    return rows.map(({ name }) => name);
  });
}

/** Steps as they begin. */
export const begun = (events: readonly ProgressEvent[]) =>
  events.flatMap((event) => (event.kind === 'step' ? [event] : []));

export function samplesOf({ points }: BenchResult): Record<string, number[]> {
  const names = points[0]!.queries.map(({ name }) => name);
  return Object.fromEntries(
    names.map((name) => [
      name,
      points.map(({ queries }) => queries.find((query) => query.name === name)?.samples ?? 0),
    ]),
  );
}

export const verdictsOf = ({ growth }: BenchResult) =>
  Object.fromEntries(growth.withData.map(({ name, at, verdict }) => [`${name} ${at}`, verdict]));
