import { spawn } from 'node:child_process';
import { readdir, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { nagiosFailure, nagiosLine } from '../../src/cli/monitor-text.ts';
import { configSchema } from '../../src/config/schema.ts';
import { readPrivateServer } from '../../src/devdb/index.ts';
import type { CheckResult, PromiseVerdict } from '../../src/monitor/index.ts';
import { judgePromises } from '../../src/monitor/promises/judge.ts';
import { type Checkout, newCheckout } from '../devdb/support.ts';
import { type CliResult, program, structdb } from '../support/cli.ts';
import { readExposition } from '../support/exposition.ts';
import { ask } from '../support/http.ts';
import { sql } from '../support/postgres.ts';
import { goodFacts, goodLive, now, read } from './facts-support.ts';

let checkout: Checkout;
let storeDirectory: string;
const ending: (() => Promise<void>)[] = [];

beforeAll(async () => {
  checkout = await newCheckout();
  ({ storeDirectory } = await checkout.start());
});

afterAll(async () => {
  for (const end of ending) await end();
});

async function check(...args: string[]): Promise<CliResult & { readonly states: Record<string, string> }> {
  const result = await checkout.run(['monitor', 'check', '--json', ...args]);
  const states = Object.fromEntries(
    (result.json?.result?.promises ?? []).map(({ id, state }: PromiseVerdict) => [id, state]),
  );
  return { ...result, states };
}

function verdict({ json }: CliResult, id: string): PromiseVerdict {
  return json.result.promises.find((each: PromiseVerdict) => each.id === id);
}

describe('monitor check', () => {
  it('of a server that was just made names what was never done, each with the command that does it', async () => {
    const found = await check();
    expect(found).toMatchObject({ exitCode: 4, json: { ok: false, error: { code: 'PROMISE_BROKEN' } } });
    expect(found.states).toMatchObject({
      'server.up': 'kept',
      'recovery.window': 'broken',
      'backup.daily': 'broken',
      'backup.weekly': 'none',
      'drill.fresh': 'broken',
      'schema.migrations': 'broken',
      'schema.audit': 'none',
      'bench.targets': 'none',
      'store.local': 'kept',
      'wal.archiving': 'kept',
    });
    const fixes = ['backup.daily', 'drill.fresh', 'schema.migrations'].map((id) => verdict(found, id).fix);
    expect(fixes).toEqual(['structdb backup', 'structdb dr-test', 'Run: structdb migrate up']);
    expect(await check('--only', 'recovery.rto')).toMatchObject({ exitCode: 0, states: { 'recovery.rto': 'none' } });
  });

  it('is content when those commands were run', async () => {
    for (const command of [['migrate', 'up'], ['backup'], ['dr-test', '--kind', 'dump']]) {
      const { exitCode, stderr } = await checkout.run(command);
      if (exitCode !== 0) throw new Error(stderr);
    }
    const found = await check();
    expect(Object.entries(found.states).filter(([, state]) => state === 'broken' || state === 'unknown')).toEqual([]);
    expect(found).toMatchObject({ exitCode: 0, json: { ok: true, error: null } });
    expect(verdict(found, 'recovery.window').message).toMatch(/^Recoverable from \d+ \w{3} \d\d:\d\d UTC to .* ago\.$/);
    expect(verdict(found, 'drill.fresh').message).toMatch(/^Last drill .* ago, RTO .* of 15 min 00 s\.$/);
    expect(verdict(found, 'backup.daily').message).toMatch(/^The newest daily dump was made .* ago, verified\.$/);
    expect(verdict(found, 'wal.complete').message).toMatch(/^\d+ archived segments, without a hole/);

    const plugin = await checkout.run(['monitor', 'check', '--nagios']);
    expect(plugin).toMatchObject({ exitCode: 0, stderr: '' });
    expect(plugin.stdout).toMatch(
      /^STRUCTDB OK - \d+ promises are kept \| 'recovery\.window'=\d+s .*'disk\.store-local'=\d+B;;\d+:/,
    );
  });

  it('notices an audit log without its guard, a hole in the archive and a store that is gone', async () => {
    const connection = (await readPrivateServer(checkout.directory))!;
    const guards = ['project_events_refuse_change', 'project_events_refuse_truncate'];
    await sql(connection, (client) =>
      client.query(guards.map((name) => `alter table project_events disable trigger ${name}`).join(';')),
    );
    const [cluster] = (await readdir(storeDirectory)).filter((name) => /^\d+$/.test(name));
    const folder = path.join(storeDirectory, cluster!, 'wal', '00000001');
    // One more segment behind, so that the one before it is a hole and not the end.
    const archived = async () => (await readdir(folder)).filter((name) => /^[0-9A-F]{24}\.zst$/.test(name)).sort();
    const before = (await archived()).length;
    for (let n = 0; n < 2; n += 1) {
      await sql(connection, (client) =>
        client.query(`select pg_logical_emit_message(false, 'x', 'y'), pg_switch_wal()`),
      );
    }
    while ((await archived()).length < before + 2) await new Promise((resolve) => setTimeout(resolve, 20));
    const lost = (await archived()).at(-2)!;
    await rename(path.join(folder, lost), path.join(checkout.directory, lost));

    const found = await check('--only', 'schema', 'wal', 'recovery.window');
    expect(found.states).toMatchObject({
      'schema.audit': 'broken',
      'wal.complete': 'broken',
      'recovery.window': 'broken',
      'schema.migrations': 'kept',
    });
    expect(verdict(found, 'wal.complete').message).toContain(lost.slice(0, 24));
    expect(verdict(found, 'recovery.window').message).toContain(lost.slice(0, 24));
    expect(verdict(found, 'schema.audit').message).toMatch(
      /project_events_refuse_change, project_events_refuse_truncate/,
    );

    const plugin = await checkout.run(['monitor', 'check', '--nagios', '--ignore', 'wal', 'recovery']);
    expect(plugin).toMatchObject({
      exitCode: 2,
      stdout: expect.stringMatching(/^STRUCTDB CRITICAL - 1 of \d+ promises/),
    });

    await sql(connection, (client) =>
      client.query(guards.map((name) => `alter table project_events enable always trigger ${name}`).join(';')),
    );
    await rename(path.join(checkout.directory, lost), path.join(folder, lost));
    await rename(storeDirectory, `${storeDirectory}-away`);
    await writeFile(storeDirectory, 'no folder');
    const gone = await check();
    await rename(storeDirectory, path.join(checkout.directory, 'no-folder'));
    await rename(`${storeDirectory}-away`, storeDirectory);
    expect(gone.states).toMatchObject({
      'store.local': 'broken',
      'backup.daily': 'unknown',
      'drill.fresh': 'unknown',
      'schema.audit': 'kept',
      'server.up': 'kept',
    });
  });

  it('refuses names of promises that there are not, and tells which there are', async () => {
    const { exitCode, json } = await check('--only', 'backups');
    expect(exitCode).toBe(2);
    expect(json.error).toMatchObject({ code: 'USAGE', hint: expect.stringContaining('backup.daily') });
  });

  it('and serve tell of a server that went away, by what is kept, and that it is back', async () => {
    const child = spawn(process.execPath, [program, 'monitor', 'serve', '--port', '0', '--heartbeat'], {
      cwd: checkout.directory,
      env: { PATH: process.env.PATH, HOME: process.env.HOME },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
    ending.push(async () => {
      child.kill('SIGKILL');
      await ended;
    });
    const page = await new Promise<string>((resolve) => {
      let told = '';
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        told += text;
        const found = /http:\S+/.exec(told);
        if (found) resolve(found[0]);
      });
    });
    const up = async () => readExposition((await ask(`${page}metrics`)).text).get('pg_up')?.series[0]?.value;
    const state = async (id: string) =>
      JSON.parse((await ask(`${page}api/state`)).text).promises.find((each: PromiseVerdict) => each.id === id)?.state;
    const soon = async (work: () => Promise<unknown>, wanted: unknown) => {
      for (const deadline = performance.now() + 20_000; ; ) {
        const found = await work();
        if (found === wanted) return;
        if (performance.now() > deadline) throw new Error(`${found} instead of ${wanted}`);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    };
    await soon(() => state('drill.fresh'), 'kept');
    const connection = (await readPrivateServer(checkout.directory))!;
    await soon(
      () =>
        sql(
          connection,
          async (client) => (await client.query('select count(*)::int as n from structdb.heartbeat')).rows[0].n,
        ),
      1,
    );

    await checkout.run(['dev', 'stop']);
    expect(await up()).toBe(0);
    expect((await ask(`${page}readyz`)).status).toBe(503);
    expect(await state('server.up')).toBe('broken');
    expect(await state('drill.fresh')).toBe('kept');
    const found = await check();
    expect(found).toMatchObject({ exitCode: 4, json: { error: { code: 'PROMISE_BROKEN' } } });
    expect(found.states).toMatchObject({
      'server.up': 'broken',
      'schema.migrations': 'unknown',
      'backup.daily': 'kept',
      'drill.fresh': 'kept',
      'recovery.window': 'kept',
      'wal.archiving': 'unknown',
    });
    const names = ['connections', 'index.hit-rate', 'disk.data-directory'];
    const named = await check('--only', ...names);
    expect(named).toMatchObject({ exitCode: 4, states: Object.fromEntries(names.map((name) => [name, 'unknown'])) });
    expect(named.json.error.message).toContain('does not answer');
    expect((await check('--only', 'server', ...names, '--ignore', ...names)).states).toEqual({ 'server.up': 'broken' });

    await checkout.start();
    expect(await up()).toBe(1);
    expect((await ask(`${page}readyz`)).status).toBe(200);
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
  });

  it('without any server named is wrong usage, and unknown for Nagios', async () => {
    expect(await structdb(['monitor', 'check'])).toMatchObject({ exitCode: 2 });
    const plugin = await structdb(['monitor', 'check', '--nagios']);
    expect(plugin).toMatchObject({ exitCode: 3, stdout: expect.stringMatching(/^STRUCTDB UNKNOWN - /) });
  });

  it('of no promise at all is wrong usage, and unknown for Nagios', async () => {
    const nothing = [
      'monitor',
      'check',
      '--only',
      'server',
      '--ignore',
      'server',
      '--url',
      'postgres://x@127.0.0.1:1/x',
    ];
    const refused = await structdb([...nothing, '--json']);
    expect(refused).toMatchObject({ exitCode: 2, json: { result: null, error: { code: 'USAGE' } } });
    expect((await structdb([...nothing, '--nagios'])).exitCode).toBe(3);
  });

  it('speaks to Nagios or in JSON: the exit codes of the two differ', async () => {
    const both = await structdb(['monitor', 'check', '--nagios', '--json', '--url', 'postgres://x@127.0.0.1:1/x']);
    expect(both.exitCode).toBe(2);
    expect(both.json).toMatchObject({ ok: false, exitCode: 2, error: { code: 'USAGE' } });
  });
});

describe('the line for Nagios', () => {
  const { objectives } = configSchema.parse({});
  const lineOf = (changed: object, live = [goodLive()]) => {
    const promises = judgePromises({ ...goodFacts(), ...changed }, live, objectives, now);
    return nagiosLine({ promises, broken: 0, unknown: 0 } satisfies CheckResult);
  };

  it('is a warning for what costs nothing yet, critical for what loses data, unknown for what nobody sees', () => {
    const bench = read({ at: now, verdict: 'missed', queries: [] });
    const failed = { ok: false, at: now, error: 'timed out | really', hint: null };
    expect(lineOf({})).toMatchObject({
      exitCode: 0,
      line: expect.stringMatching(/^STRUCTDB OK - 18 promises are kept \| /),
    });
    expect(lineOf({ bench })).toMatchObject({ exitCode: 1, line: expect.stringMatching(/^STRUCTDB WARNING - /) });
    expect(lineOf({ bench, drills: read([]) })).toMatchObject({
      exitCode: 2,
      line: expect.stringMatching(/^STRUCTDB CRITICAL - 2 of 16 promises do not hold: No drill was ever run/),
    });
    const unknown = lineOf({ bench: failed });
    expect(unknown).toMatchObject({ exitCode: 3, line: expect.stringContaining('timed out / really') });
    expect(unknown.line.split('|')).toHaveLength(2);
    const several = lineOf({ bench: failed, drills: failed }).line.split(' | ')[0];
    expect(several).toMatch(
      /cannot be read: timed out \/ really Unknown too: recovery\.rto, recovery\.rpo, bench\.targets\.$/,
    );
    expect(nagiosFailure('a\nb | c')).toEqual({ exitCode: 3, line: 'STRUCTDB UNKNOWN - a b / c' });
  });

  it('has performance data in the units that plugins use, with limits on the right side', () => {
    const [, figures] = lineOf({}).line.split(' | ');
    expect(figures!.split(' ')).toEqual([
      "'recovery.window'=900000s",
      "'drill.fresh'=259200s;;691200",
      "'recovery.rto'=41s;;900",
      "'recovery.rpo'=2s;;300",
      "'backup.daily'=36000s;;86400",
      "'backup.weekly'=36000s;;604800",
      "'backup.monthly'=36000s;;2678400",
      "'wal.archiving'=0",
      "'wal.complete'=0;;0",
      "'connections'=12.37%;50",
      "'index.hit-rate'=99.5%;95:",
      "'cache.hit-rate'=99.9%;99:",
      "'schema.migrations'=0;;0",
      "'schema.audit'=0;;0",
      "'bench.targets'=0;0",
      "'disk.store-local'=53687091200B;;10737418240:",
    ]);
  });
});
