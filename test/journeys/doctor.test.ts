import { readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import type { Finding } from '../../src/journeys/doctor/index.ts';
import { newCheckout } from '../devdb/support.ts';
import { structdb } from '../support/cli.ts';
import { sql, urlOf, useServer } from '../support/postgres.ts';
import { newProject } from '../support/project.ts';
import { scratchDirectory } from '../support/scratch.ts';

const server = useServer();

describe('doctor', () => {
  it('sends a WAL segment of the private server through its archive, and says so when it does not arrive', async () => {
    const checkout = await newCheckout();
    const { storeDirectory } = await checkout.start();

    const healthy = await checkout.run(['doctor', '--json']);
    expect(healthy).toMatchObject({ exitCode: 0, json: { ok: true, result: { problems: 0 } } });
    const trip = found(healthy.json, 'archiving.round-trip');
    expect(trip.level).toBe('ok');
    const segment = /[0-9A-F]{24}/.exec(trip.message)![0];
    const [cluster] = (await readdir(storeDirectory)).filter((name) => /^\d+$/.test(name));
    expect(await readdir(path.join(storeDirectory, cluster!, 'wal', segment.slice(0, 8)))).toContain(`${segment}.zst`);

    expect(found(healthy.json, 'stores.local').level).toBe('ok');
    expect(found(healthy.json, 'backups.daily')).toMatchObject({ level: 'warning', fix: 'Make it: structdb backup' });
    expect(found(healthy.json, 'drills.last').level).toBe('warning');

    for (const kind of ['dump', 'base']) await checkout.run(['backup', 'run', '--kind', kind]);
    // Each look closes a segment; the one in the middle is lost then.
    const lost = /[0-9A-F]{24}/.exec(
      found((await checkout.run(['doctor', '--json'])).json, 'archiving.round-trip').message,
    )![0];
    const before = (await checkout.run(['doctor', '--json'])).json;
    expect(found(before, 'backups.daily').level).toBe('ok');
    expect(before.result.findings.filter(({ check }: Finding) => check === 'backups.window')).toMatchObject([
      { level: 'ok' },
    ]);
    await rm(path.join(storeDirectory, cluster!, 'wal', lost.slice(0, 8), `${lost}.zst`));
    const after = await checkout.run(['doctor', '--json']);
    expect(after.exitCode).toBe(4);
    expect(after.json.result.findings).toContainEqual(
      expect.objectContaining({ check: 'backups.window', level: 'problem', message: expect.stringContaining(lost) }),
    );

    const psql = (statement: string) => checkout.run(['dev', 'psql', '--', '-Xqc', statement]);
    expect((await psql(`alter system set archive_command = 'false'`)).exitCode).toBe(0);
    await psql('select pg_reload_conf()');
    // The archiver hears of it a moment later, and until then archives by the old command, which may have failed before.
    await psql(`select pg_logical_emit_message(false, 'structdb', ''), pg_switch_wal()`);
    const failed = await psql(
      `do $$ begin
        while (select coalesce(last_failed_time < pg_conf_load_time(), true) from pg_stat_archiver) loop
          perform pg_sleep(0.05);
          perform pg_stat_clear_snapshot();
        end loop;
      end $$`,
    );
    expect(failed.exitCode).toBe(0);
    const broken = await checkout.run(['doctor', '--json']);
    expect(broken).toMatchObject({ exitCode: 4, json: { ok: false, error: { code: 'UNHEALTHY' } } });
    expect(found(broken.json, 'archiving.round-trip')).toMatchObject({ level: 'problem' });

    await psql('alter system set fsync = off');
    await psql('select pg_reload_conf()');
    expect(found((await checkout.run(['doctor', '--json'])).json, 'server.fsync')).toMatchObject({
      level: 'problem',
      fix: expect.stringContaining('ALTER SYSTEM SET fsync = on'),
    });
  });

  it('names the grant for whatever a plain owner lacks, and counts only what was asked for as a problem', async () => {
    const own = await server.createOwnedDatabase();
    const project = await newProject(await scratchDirectory());
    const run = () => structdb(['doctor', '--json', '--url', urlOf(own)], { cwd: project });

    const plain = (await run()).json;
    expect(found(plain, 'privileges.replication')).toMatchObject({
      level: 'notice',
      fix: expect.stringContaining(`ALTER ROLE "${own.user}" REPLICATION`),
    });
    expect(found(plain, 'privileges.owner').level).toBe('ok');

    await writeFile(
      path.join(project, 'structdb.config.ts'),
      `export default { stores: { local: { type: 'directory', path: './store' } },
         backup: { weekly: { kind: 'base', store: 'local' } } };`,
    );
    expect(found((await run()).json, 'privileges.replication').level).toBe('problem');

    await sql({ ...server.superuser, database: own.database }, (client) =>
      client.query('create table public.hidden (a int); revoke all on public.hidden from public'),
    );
    expect(found((await run()).json, 'privileges.read').message).toContain('hidden');
  });

  it('goes on without a server, and says how to reach it', async () => {
    const project = await newProject(await scratchDirectory());
    const { exitCode, json } = await structdb(['doctor', '--json', '--url', 'postgres://x@127.0.0.1:1/x'], {
      cwd: project,
    });
    expect(exitCode).toBe(4);
    expect(found(json, 'server.connection')).toMatchObject({ level: 'problem' });
    expect(json.result.findings.length).toBeGreaterThan(1);
  });
});

function found(json: { result: { findings: Finding[] } }, check: string): Finding {
  const match = json.result.findings.find((each) => each.check === check);
  if (!match) throw new Error(`no finding ${check} in ${JSON.stringify(json.result.findings, null, 2)}`);
  return match;
}
