import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { CreateBucketCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { StoredRun } from '../../src/bench/index.ts';
import { storeRun } from '../../src/bench/store/run-store.ts';
import { freePort } from '../../src/postgres/cluster.ts';
import { madeRun } from '../support/bench-run.ts';
import { sql } from '../support/postgres.ts';
import { missingPrograms } from '../support/programs.ts';
import { clientOf, describeS3, s3Gateway } from '../support/s3.ts';
import { scratchDirectory } from '../support/scratch.ts';
import { type ComposeService, composeServices, infra, prometheusConfig, Stack } from './stack.ts';

interface Panel {
  readonly title: string;
  readonly targets?: readonly { readonly expr: string; readonly instant?: boolean; readonly refId: string }[];
}

const dashboards = path.join(infra, 'grafana', 'dashboards');
/** A loaded machine may take its time. */
const PATIENCE_MS = 120_000;

describeS3('infra/, outside of containers', () => {
  let stack: Stack;
  let services: Readonly<Record<string, ComposeService>>;
  let exporter: string;
  let prometheus: string;
  let load: Promise<void>;
  const loading = new AbortController();

  beforeAll(async () => {
    const gateway = await s3Gateway();
    const client = clientOf(gateway);
    await client.send(new CreateBucketCommand({ Bucket: 'structdb' })).finally(() => client.destroy());
    services = await composeServices();
    const directory = await scratchDirectory();
    stack = await Stack.create(directory, gateway);
  });

  afterAll(async () => {
    loading.abort();
    try {
      await load;
    } finally {
      await stack?.close();
    }
  });

  it('postgres: a new cluster archives through structdb, and has the role and the database', async () => {
    await stack.start();
    await stack.script('init.sh');
    // As the entry point does: the server of init.sh ends, and is started with its settings.
    await stack.stopServer();
    await stack.script('prepare.sh');
    await stack.start();
    const { rows } = await sql(stack.connection, (client) =>
      client.query(`select current_setting('archive_mode') as archive, current_setting('data_checksums') as checksums,
        current_setting('shared_preload_libraries') as preload, rolreplication, rolsuper,
        (select count(*)::int from pg_extension where extname = 'pg_stat_statements') as extensions
        from pg_roles where rolname = current_user`),
    );
    expect(rows).toEqual([
      {
        archive: 'on',
        checksums: 'on',
        preload: 'pg_stat_statements',
        rolreplication: true,
        rolsuper: false,
        extensions: 1,
      },
    ]);
  });

  it('migrate: brings schema and catalogs, and finds nothing to do the second time', async () => {
    const { entrypoint, command } = services.migrate!;
    const run = () => stack.run(entrypoint![0]!, [...entrypoint!.slice(1), ...(command as string[])]);
    expect(await run()).toContain('006_envelope_support');
    await run();
  });

  it('scheduler: makes what is due into the S3 server and drills it, and is healthy', async () => {
    await mkdir(path.join(stack.project, '.structdb'), { recursive: true });
    const scheduler = path.join(infra, 'structdb', 'scheduler.sh');
    const said = await stack.run(scheduler, ['once']);
    expect(said).toMatch(/runs: backups/);
    await stack.run(scheduler, ['healthy']);
    const list = JSON.parse(await stack.run('structdb', ['backup', 'list', '--store', 'archive', '--json']));
    const kinds = list.result.backups.map(({ kind }: { kind: string }) => kind);
    expect(kinds.sort()).toEqual(['base', 'dump']);
    const history = JSON.parse(await stack.run('structdb', ['dr-test', 'history', '--json']));
    expect(history.result.drills.map(({ ok }: { ok: boolean }) => ok)).toEqual([true]);
  });

  it('exporter: serves, and its health check sees it', async () => {
    await storeRun(benchRun(), { root: stack.project });
    const url = await stack.serve(
      'structdb',
      [...(services.exporter!.command as string[]), '--port', '0'],
      /Listening on (\S+?)\.?\s/,
      // Through the socket, as in the container: the exporter sees that the server is on its machine.
      { PGHOST: stack.socket },
    );
    exporter = `127.0.0.1:${new URL(url).port}`;
    const check = services.exporter!.healthcheck!.test!;
    expect(check.slice(1, 3)).toEqual(['node', '/opt/structdb/healthy.mjs']);
    const healthy = (address: string) =>
      promisify(execFile)(process.execPath, [path.join(infra, 'structdb', 'healthy.mjs'), address]);
    await healthy(check[3]!.replace('127.0.0.1:9187', exporter));
    await expect(healthy(`http://127.0.0.1:${await freePort()}/healthz`)).rejects.toMatchObject({ code: 1 });
  });

  const missing = missingPrograms(['prometheus', 'promtool']);
  const withPrometheus = missing.length === 0 || process.env.CI === 'true' ? describe : describe.skip;

  withPrometheus('prometheus', () => {
    beforeAll(async () => {
      await sql(stack.connection, (client) =>
        client.query(`select pg_create_physical_replication_slot('a_slot', true)`),
      );
      load = traffic(stack, loading.signal);
      // It is awaited at the end; until then it is nobody's.
      load.catch(() => {});
      const config = await prometheusConfig(stack.directory, exporter);
      const port = await freePort();
      prometheus = `http://127.0.0.1:${port}/api/v1/`;
      await stack.serve(
        'prometheus',
        [
          `--config.file=${config}`,
          `--storage.tsdb.path=${path.join(stack.directory, 'prometheus')}`,
          `--web.listen-address=127.0.0.1:${port}`,
        ],
        /Server is ready to receive web requests/,
      );
    });

    it('accepts the configuration as it is', async () => {
      await promisify(execFile)('promtool', ['check', 'config', 'prometheus.yml'], {
        cwd: path.join(infra, 'prometheus'),
      });
    });

    it('gets data for every query of every panel, and for the variables', async () => {
      const queries: Wanted[] = [];
      for (const name of await readdir(dashboards)) {
        const { panels, templating } = JSON.parse(await readFile(path.join(dashboards, name), 'utf8'));
        for (const { title, targets } of panels as Panel[]) {
          for (const { expr, instant, refId } of targets ?? []) {
            queries.push({ what: `${name}: ${title} ${refId}`, expr: substituted(expr), instant: instant === true });
          }
        }
        for (const { query } of templating?.list ?? []) {
          const metric = /^label_values\((.*), \w+\)$/.exec(query?.query ?? '')?.[1];
          if (metric) queries.push({ what: `${name}: ${query.refId}`, expr: substituted(metric), instant: true });
        }
      }
      expect(queries.length).toBeGreaterThan(90);
      let empty = queries;
      for (const deadline = Date.now() + PATIENCE_MS; empty.length > 0 && Date.now() < deadline; ) {
        await new Promise((resolve) => setTimeout(resolve, 1000));
        const found = await Promise.all(empty.map((query) => hasData(prometheus, query)));
        empty = empty.filter((_, index) => !found[index]);
      }
      expect(empty.map(({ what, expr }) => `${what}: ${expr}`)).toEqual([]);
    });

    it('is told how full the disk of the data is', async () => {
      const { result } = await ask(prometheus, 'query?query=structdb_disk_free_bytes');
      const places = result.map(({ metric }: { metric: { place: string } }) => metric.place);
      expect(places).toEqual(['data directory']);
    });

    it('evaluates every rule, and none calls about what is as it should be', async () => {
      const { groups } = await ask(prometheus, 'rules?type=alert');
      const rules = groups.flatMap((group: { rules: unknown[] }) => group.rules) as {
        name: string;
        lastError?: string;
        state: string;
      }[];
      expect(rules.filter(({ lastError }) => lastError)).toEqual([]);
      // How full this machine's disk is, and how warm its memory, is no matter of the stack.
      const ofTheMachine = /^StructdbDisk|HitRateLow$/;
      const called = rules.filter(({ name, state }) => state !== 'inactive' && !ofTheMachine.test(name));
      expect(called.map(({ name }) => name)).toEqual([]);
    });
  });
});

/** A stored benchmark: to time a real one takes longer than all else here, and needs a role with CREATEDB. */
function benchRun(): StoredRun {
  const { result, raw } = madeRun();
  const points = result.points.map((point) => ({
    ...point,
    queries: point.queries.map((query) => ({ ...query, p95: { value: 1.5, low: 1.4, high: 1.6 } })),
  }));
  return { result: { ...result, points }, raw };
}

interface Wanted {
  readonly what: string;
  readonly expr: string;
  readonly instant: boolean;
}

/** What Grafana puts in: every instance and database, a rate over some scrapes. */
function substituted(expr: string): string {
  const whole = expr
    .replaceAll('$__rate_interval', '10s')
    .replaceAll('$__range', '30s')
    .replaceAll('$instance', '.*')
    .replaceAll('$datname', '.*');
  expect(whole).not.toContain('$');
  return whole;
}

async function hasData(api: string, { what, expr, instant }: Wanted): Promise<boolean> {
  const now = Date.now() / 1000;
  const span = instant ? { time: now } : { start: now - 15, end: now, step: 1 };
  const query = new URLSearchParams({
    query: expr,
    ...Object.fromEntries(Object.entries(span).map(([k, v]) => [k, String(v)])),
  });
  const { result } = await ask(api, `${instant ? 'query' : 'query_range'}?${query}`, what);
  return (result as { value?: [number, string]; values?: [number, string][] }[]).some(({ value, values }) =>
    (values ?? [value!]).some(([, text]) => Number.isFinite(Number(text))),
  );
}

// biome-ignore lint/suspicious/noExplicitAny: each question has an answer of its own shape
async function ask(api: string, question: string, what = question): Promise<any> {
  const answer = (await (await fetch(api + question)).json()) as { status: string; error?: string; data: unknown };
  if (answer.status !== 'success') throw new Error(`${what}: ${answer.error}`);
  return answer.data;
}

/** A little of everything that panels show: reads by index and whole, writes, a transaction that idles, a rollback. */
async function traffic(stack: Stack, signal: AbortSignal): Promise<void> {
  await sql(stack.connection, async (client) => {
    while (!signal.aborted) {
      await client.query(`insert into projects (project_id, account_id, name, customer, site_name, status, created_by, updated_by)
        values (gen_random_uuid(), gen_random_uuid(), 'a', 'b', 'c', 'active', 'd', 'd')`);
      await client.query(`select count(*) from material_catalog where designation like '%X%'`);
      await client.query(`select * from projects where created_by = 'd' order by updated_at desc limit 5`);
      await client.query('begin');
      await client.query('select pg_sleep(0.05)');
      await client.query('rollback');
    }
  });
}
