import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { bench } from '../../src/bench/index.ts';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { defaultConfig } from '../../src/config/defaults.ts';
import { temporaryRoot } from '../../src/programs/own-directory.ts';
import { type CliOptions, structdb } from '../support/cli.ts';
import { testContext } from '../support/context.ts';
import { sql, urlOf, useServer } from '../support/postgres.ts';
import { scratchDirectory } from '../support/scratch.ts';

const server = useServer();
/** Enough for a p95, and no further rounds: how long they take depends on the machine. */
const QUICK = ['--projects', '100', '--samples', '200', '--max-samples', '200', '--clients', '2'];
const NEXT_TO_NOTHING = ['--projects', '10', '--samples', '1', '--max-samples', '1', '--clients', '1'];

async function databases(connection: ConnectionSettings): Promise<string[]> {
  return sql(connection, async (client) => {
    const { rows } = await client.query<{ name: string }>(
      `select datname as name from pg_database
       where starts_with(datname, 'structdb_bench_') and pg_get_userbyid(datdba) = current_user`,
    );
    return rows.map(({ name }) => name);
  });
}

/** Everything but what every database has. */
async function leftovers(connection: ConnectionSettings): Promise<string[]> {
  return sql(connection, async (client) => {
    const { rows } = await client.query<{ name: string }>(
      `select nspname::text as name from pg_namespace where nspname !~ '^pg_' and nspname not in ('information_schema', 'public')
       union all select c.oid::regclass::text from pg_class c where relnamespace = 'public'::regnamespace
       union all select extname::text from pg_extension where extname <> 'plpgsql'
       union all select setconfig::text from pg_db_role_setting s join pg_database d on d.oid = setdatabase
         where datname = current_database()`,
    );
    return rows.map(({ name }) => name);
  });
}

/** Sends the signal when the text is there. */
function once(text: string, signal: NodeJS.Signals): CliOptions {
  let sent = false;
  return {
    onStderr: (soFar, child) => {
      if (sent || !soFar.includes(text)) return;
      sent = true;
      child.kill(signal);
    },
  };
}

describe('structdb bench', () => {
  it('times every query in several threads, judges it, and drops the database it made', async () => {
    const owner = await server.createOwnedDatabase('createdb');
    const run = await structdb(['bench', '--json', '--url', urlOf(owner), ...QUICK, '--workers', '2']);
    expect([0, 4, 6]).toContain(run.exitCode);
    expect(run.json.command).toBe('bench');
    const { result } = run.json;
    const [point] = result.points;
    expect(result.database).toMatch(/^structdb_bench_[0-9a-f]{8}$/);
    expect(result.complete).toBe(true);
    expect(point).toMatchObject({
      data: { projects: 100 },
      ...{ clients: 2, workers: 2, loop: { kind: 'closed' }, furtherRounds: 0, complete: true },
    });
    expect(point.busy.map(({ phase }: { phase: string }) => phase)).toEqual(['simple', 'complex', 'aggregation']);
    expect(point.queries.length).toBeGreaterThanOrEqual(12);
    for (const query of point.queries) {
      expect(query.samples).toBe(200);
      expect(query.blockMedians).toHaveLength(10);
      expect(query.p95.low).toBeLessThanOrEqual(query.p95.value);
      expect(query.p95.value).toBeLessThanOrEqual(query.p95.high);
      expect(query.wait.p50).toBeLessThan(query.p50.value);
      // A role that is no superuser has no pg_stat_statements here.
      expect(query.rates).toMatchObject({ source: 'plan', serverMs: null });
    }
    expect(point.rates.map(({ value }: { value: number }) => value > 0.9)).toEqual([true, true]);
    expect(point.connections.map(({ pool, sessions }: { pool: number; sessions: number }) => sessions >= pool)).toEqual(
      [true, true],
    );
    // Drained counters, in both threads: each timed run of a query by one index is one scan, none of the warm-up is among them.
    expect(point.counters.scansOfIndex.material_catalog_designation_idx).toBe(200);
    for (const { name, rates } of point.queries) {
      // Which of both depends on what the maintenance database's template has.
      expect([name, rates.runs]).toEqual([name, rates.source === 'plan' ? expect.any(Number) : 200]);
    }
    expect(point.classes.map(({ rates }: { rates: { blocks: number } }) => rates.blocks > 0)).toEqual([
      true,
      true,
      true,
    ]);
    expect(point.plans.map(({ query }: { query: string }) => query)).toEqual(
      point.queries.map(({ name }: { name: string }) => name),
    );
    expect(point.plans.filter(({ verdict }: { verdict: string }) => verdict !== 'pass')).toEqual([]);
    expect(point.access.unusedIndexes.map(({ name }: { name: string }) => name)).toContain('code_references_pkey');
    expect(await databases(owner)).toEqual([]);
    expect(await leftovers(owner)).toEqual([]);
  });

  it('names the grant when the role may not create databases and no empty one is given', async () => {
    const owner = await server.createOwnedDatabase();
    const run = await structdb(['bench', '--json', '--url', urlOf(owner), ...QUICK]);
    expect(run.exitCode).toBe(1);
    expect(run.json.error.code).toBe('PERMISSION_DENIED');
    expect(run.json.error.hint).toContain(`ALTER ROLE "${owner.user}" CREATEDB`);
    expect(run.json.error.hint).toContain('structdb bench --into');
  });

  it('works in an empty database of a plain owner and leaves it empty; a missed target is named, with 4', async () => {
    const owner = await server.createOwnedDatabase();
    const folder = await mkdtemp(path.join(temporaryRoot(), 'structdb-bench-'));
    const file = `${folder}/structdb.config.ts`;
    await writeFile(file, `export default { objectives: { aggregations: '0.001 ms' } };\n`);
    const words = ['bench', '--json', '--config', file, '--url', urlOf(owner), '--into', owner.database];
    // At such a rate Poisson arrivals queue behind each other now and then; what is late is counted.
    const run = await structdb([...words, ...QUICK, '--rate', '2000']);
    await rm(folder, { recursive: true });
    expect(run.exitCode).toBe(4);
    expect(run.json.error.code).toBe('BENCH_TARGET_MISSED');
    expect(run.json.error.details.join('\n')).toContain('release-use: p95');
    const [point] = run.json.result.points;
    expect(run.json.result.database).toBe(owner.database);
    expect(point.loop).toMatchObject({
      ...{ kind: 'open', ratePerSecond: 2000, requests: 200 * point.queries.length, notBegun: 0 },
    });
    expect(point.queries.every(({ samples }: { samples: number }) => samples === 200)).toBe(true);
    expect(await leftovers(owner)).toEqual([]);
  });

  it('refuses a database that holds any table', async () => {
    const owner = await server.createOwnedDatabase();
    await sql(owner, (client) => client.query('create table precious (id int)'));
    const run = await structdb(['bench', '--json', '--url', urlOf(owner), '--into', owner.database, ...QUICK]);
    expect(run.exitCode).toBe(1);
    expect(run.json.error).toMatchObject({ code: 'TARGET_NOT_EMPTY', details: ['precious'] });
    expect(await leftovers(owner)).toEqual(['precious']);
  });

  it('drops what a killed run left, and on Ctrl-C gives what it has measured and drops its own', async () => {
    const owner = await server.createOwnedDatabase('createdb');
    await structdb(['bench', '--verbose', '--url', urlOf(owner), ...NEXT_TO_NOTHING], once('Preparing', 'SIGKILL'));
    const [left] = await databases(owner);
    expect(left).toBeDefined();
    const words = ['bench', '--json', '--verbose', '--url', urlOf(owner), ...QUICK];
    const run = await structdb([...words, '--samples', '20000', '--max-samples', '20000'], once('· Timing', 'SIGINT'));
    expect(run.stderr).toContain(`Dropped ${left}`);
    expect(run.exitCode).toBe(130);
    expect(run.json.error.code).toBe('INTERRUPTED');
    expect(run.json.result.complete).toBe(false);
    const [point] = run.json.result.points;
    expect(point).toMatchObject({ complete: false, connections: [] });
    expect(point.queries.every(({ samples }: { samples: number }) => samples < 20000)).toBe(true);
    expect(await databases(owner)).toEqual([]);
  });

  it('does not wait on Ctrl-C for what a suite draws', async () => {
    const owner = await server.createOwnedDatabase('createdb');
    const cwd = await scratchDirectory();
    const draw = `async () => { process.stderr.write('drawing\\n'); await new Promise(() => {}); }`;
    const suite = `export default { draw: ${draw}, queries: [{ name: 'q', sql: 'select 1' }] };\n`;
    await writeFile(path.join(cwd, 'slow.ts'), suite);
    const words = ['bench', '--json', '--url', urlOf(owner), '--suite', 'slow.ts', ...NEXT_TO_NOTHING];
    const run = await structdb(words, { cwd, ...once('drawing', 'SIGINT') });
    expect(run).toMatchObject({ exitCode: 130, json: { error: { code: 'INTERRUPTED' } } });
    expect(await databases(owner)).toEqual([]);
  });

  it('keeps its figures when its database cannot be dropped, says so, and the next run drops it', async () => {
    const owner = await server.createOwnedDatabase('createdb');
    // Of its own: whoever benches as that role drops what a killed run of it left.
    const taker = await server.createRole();
    let taken: Promise<string> | undefined;
    const takeAway = () =>
      sql(server.superuser, async (client) => {
        const { rows } = await client.query<{ name: string }>(
          `select datname as name from pg_database
           where starts_with(datname, 'structdb_bench_') and pg_get_userbyid(datdba) = $1`,
          [owner.user],
        );
        await client.query(`alter database ${rows[0]!.name} owner to "${taker.user}"`);
        return rows[0]!.name;
      });
    const words = ['bench', '--json', '--verbose', '--url', urlOf(owner), ...NEXT_TO_NOTHING];
    const run = await structdb([...words, '--samples', '50', '--max-samples', '100'], {
      onStderr: (text) => {
        if (text.includes('Warming up')) taken ??= takeAway();
      },
    });
    const name = await taken!;
    expect(run.stderr).toMatch(new RegExp(`${name} could not be dropped: must be owner`));
    // Too few samples for a p95, also after one further round of all queries.
    expect(run.exitCode).toBe(6);
    expect(run.json.error.code).toBe('BENCH_INCONCLUSIVE');
    const [point] = run.json.result.points;
    expect(point.furtherRounds).toBe(1);
    const isAsFar = ({ samples, p95 }: { samples: number; p95: unknown }) => samples === 100 && p95 === null;
    expect(point.queries.every(isAsFar)).toBe(true);
    await sql(server.superuser, (client) => client.query(`alter database ${name} owner to "${owner.user}"`));
    const next = await structdb(words, once('Preparing', 'SIGINT'));
    expect(next.stderr).toContain(`Dropped ${name}`);
    expect(next.exitCode).toBe(130);
    expect(await databases(owner)).toEqual([]);
  });

  it.each([
    [{ maxSamples: 10 }, 'At most 10 samples (--max-samples) are less than 500.'],
    [{ workers: 5, clients: 4 }, '5 workers cannot share 4 clients.'],
  ])('refuses %j before it connects', async (contradiction, message) => {
    const nowhere = { ...server.superuser, port: 1 };
    const { objectives } = await defaultConfig();
    const failure = bench({ connection: nowhere, objectives, ...contradiction }, testContext());
    await expect(failure).rejects.toMatchObject({ code: 'USAGE', message });
  });

  it.each([
    [['--samples', 'many'], '--samples takes a whole number'],
    [['--rate', 'fast'], '--rate takes requests per second'],
    [['--clients', '0'], '--clients takes'],
  ])('refuses %j', async (flags, message) => {
    const run = await structdb(['bench', '--url', 'postgres://nobody@127.0.0.1:1/x', ...flags]);
    expect(run.exitCode).toBe(2);
    expect(run.stderr).toContain(message);
  });
});
