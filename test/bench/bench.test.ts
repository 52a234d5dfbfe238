import { describe, expect, it } from '@jest/globals';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { structdb } from '../support/cli.ts';
import { sql, urlOf, useServer } from '../support/postgres.ts';

const server = useServer();
const QUICK = ['--projects', '500', '--samples', '200', '--clients', '2'];

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

describe('structdb bench', () => {
  it('times every query, judges it, and drops the database it made', async () => {
    const owner = await server.createOwnedDatabase('createdb');
    const run = await structdb(['bench', '--json', '--url', urlOf(owner), ...QUICK]);
    expect([0, 4, 6]).toContain(run.exitCode);
    expect(run.json.command).toBe('bench');
    const { result } = run.json;
    const [point] = result.points;
    expect(result.database).toMatch(/^structdb_bench_[0-9a-f]{8}$/);
    expect(point.data).toMatchObject({ projects: 500, payloads: 500, events: 1500 });
    expect(point.queries.length).toBeGreaterThanOrEqual(12);
    for (const query of point.queries) {
      // More of those that are undecided on a machine with other work.
      expect(query.samples).toBeGreaterThanOrEqual(200);
      expect(query.p95.low).toBeLessThanOrEqual(query.p95.value);
      expect(query.p95.value).toBeLessThanOrEqual(query.p95.high);
    }
    expect(point.rates.map(({ value }: { value: number }) => value > 0.9)).toEqual([true, true]);
    expect(point.connections.map(({ pool, sessions }: { pool: number; sessions: number }) => sessions >= pool)).toEqual(
      [true, true],
    );
    // Drained counters: each timed run of a query by one index is one scan, none of the warm-up is among them.
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

  it('works in an empty database of a plain owner and leaves it empty', async () => {
    const owner = await server.createOwnedDatabase();
    const run = await structdb(['bench', '--json', '--url', urlOf(owner), '--into', owner.database, ...QUICK]);
    expect([0, 4, 6]).toContain(run.exitCode);
    expect(run.json.result.database).toBe(owner.database);
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

  it('ends with 4 when a target is missed, and says which', async () => {
    const owner = await server.createOwnedDatabase('createdb');
    const { mkdtemp, writeFile } = await import('node:fs/promises');
    const folder = await mkdtemp('/var/tmp/structdb-bench-');
    const file = `${folder}/structdb.config.ts`;
    await writeFile(file, `export default { objectives: { aggregations: '0.001 ms' } };\n`);
    const run = await structdb(['bench', '--json', '--config', file, '--url', urlOf(owner), ...QUICK]);
    await (await import('node:fs/promises')).rm(folder, { recursive: true });
    expect(run.exitCode).toBe(4);
    expect(run.json.error.code).toBe('BENCH_TARGET_MISSED');
    expect(run.json.error.details.join('\n')).toContain('release-use: p95');
  });

  it('drops its database on Ctrl-C, and a later run drops what a killed one left', async () => {
    const owner = await server.createOwnedDatabase('createdb');
    const stop = (signal: NodeJS.Signals) => {
      let sent = false;
      return structdb(['bench', '--url', urlOf(owner), ...QUICK, '--samples', '20000'], {
        onStderr: (text, child) => {
          if (sent || !text.includes('Warming up')) return;
          sent = true;
          child.kill(signal);
        },
      });
    };
    expect((await stop('SIGINT')).exitCode).toBe(130);
    expect(await databases(owner)).toEqual([]);
    await stop('SIGKILL');
    const [left] = await databases(owner);
    expect(left).toBeDefined();
    const run = await structdb(['bench', '--url', urlOf(owner), ...QUICK, '--samples', '1']);
    expect(run.stderr).toContain(`Dropped ${left}`);
    // One sample decides nothing.
    expect(run.exitCode).toBe(6);
    expect(await databases(owner)).toEqual([]);
  });

  it('keeps its figures when its database cannot be dropped, says so, and the next run drops it', async () => {
    const owner = await server.createOwnedDatabase('createdb');
    let taken: Promise<string> | undefined;
    const takeAway = () =>
      sql(server.superuser, async (client) => {
        const { rows } = await client.query<{ name: string }>(
          `select datname as name from pg_database
           where starts_with(datname, 'structdb_bench_') and pg_get_userbyid(datdba) = $1`,
          [owner.user],
        );
        await client.query(`alter database ${rows[0]!.name} owner to ${server.superuser.user}`);
        return rows[0]!.name;
      });
    const run = await structdb(['bench', '--json', '--verbose', '--url', urlOf(owner), ...QUICK, '--samples', '400'], {
      onStderr: (text) => {
        if (text.includes('Warming up')) taken ??= takeAway();
      },
    });
    const name = await taken!;
    expect([0, 4, 6]).toContain(run.exitCode);
    expect(run.json.result.points[0].queries.length).toBeGreaterThanOrEqual(12);
    expect(run.stderr).toMatch(new RegExp(`${name} could not be dropped: must be owner`));
    await sql(server.superuser, (client) => client.query(`alter database ${name} owner to "${owner.user}"`));
    const next = await structdb(['bench', '--url', urlOf(owner), ...QUICK, '--samples', '1']);
    expect(next.stderr).toContain(`Dropped ${name}`);
  });

  it.each([
    ['--samples', 'many'],
    ['--clients', '0'],
    ['--seed', '-1'],
  ])('refuses %s %s', async (flag, value) => {
    const run = await structdb(['bench', '--url', 'postgres://nobody@127.0.0.1:1/x', `${flag}=${value}`]);
    expect(run.exitCode).toBe(2);
    expect(run.stderr).toContain(`${flag} takes`);
  });
});
