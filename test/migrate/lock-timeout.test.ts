import { describe, expect, it } from '@jest/globals';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { down, up } from '../../src/migrate/index.ts';
import type { Registry } from '../../src/migrate/registry.ts';
import { type TestContext, testContext } from '../support/context.ts';
import { failureOf } from '../support/failure.ts';
import { statements } from '../support/migrations.ts';
import { sql, until, useServer } from '../support/postgres.ts';

const server = useServer();

const registry: Registry = {
  '001_table': statements('create table held (id int)', { down: 'drop table held' }),
  '002_column': statements(['create table before_it ()', 'alter table held add column more int'], {
    down: ['alter table held drop column more', 'drop table before_it'],
  }),
};

/** While `work` runs, a transaction of another session holds the table. */
async function whileHeld(
  connection: ConnectionSettings,
  work: (release: () => Promise<unknown>, pid: number) => Promise<void>,
  held = 'select count(*) from held',
): Promise<void> {
  await sql(connection, async (holder) => {
    await holder.query(`set application_name = 'nightly report'`);
    const { rows } = await holder.query('select pg_backend_pid() as pid');
    await holder.query('begin');
    await holder.query(held);
    await holder.query(`alter role "${connection.user}" password 'hunter22'`);
    await work(() => holder.query('rollback'), rows[0].pid);
  });
}

const query = async (connection: ConnectionSettings, text: string) =>
  (await sql(connection, (client) => client.query(text))).rows;
const noticesOf = ({ events }: TestContext) =>
  events.flatMap((event) => (event.kind === 'notice' ? [event.message] : []));

describe('a long transaction holds the table', () => {
  it('tries four times, names who is in the way, fails with nothing half done; the next run succeeds', async () => {
    const connection = await server.createOwnedDatabase();
    await up({ connection, registry, count: 1 }, testContext());
    await whileHeld(connection, async (release, pid) => {
      const context = testContext();
      const error = await failureOf(up({ connection, registry, lockTimeoutMs: 600 }, context));
      expect(error).toMatchObject({ code: 'MIGRATION_FAILED', exitCode: 1 });
      expect(error.message).toMatch(
        /^Migration 002_column \(up\) failed at statement 2 of 2: .*lock timeout \(SQLSTATE 55P03\)\. Nothing of it was kept\. It was tried 4 times\.$/,
      );
      expect(error.details.join('\n')).toMatch(
        new RegExp(
          `in the way: pid ${pid}, application "nightly report", role "${connection.user}", connected since \\d{4}-.*, in a transaction since \\d{4}-.*, ` +
            'idle in transaction since .*, its last statement: alter role ',
        ),
      );
      expect(error.details.join('\n')).not.toContain('hunter22');
      expect(error.hint).toContain(`pg_terminate_backend(${pid})`);
      const notices = noticesOf(context);
      expect(notices).toHaveLength(3);
      for (const [index, notice] of notices.entries()) {
        expect(notice).toMatch(
          new RegExp(`^002_column met a lock \\(attempt ${index + 1} of 4\\), again in .* pid ${pid},`),
        );
      }
      expect(await query(connection, `select to_regclass('before_it') as made`)).toEqual([{ made: null }]);
      expect(await query(connection, 'select name from structdb.kysely_migration')).toEqual([{ name: '001_table' }]);
      await release();
    });
    expect((await up({ connection, registry }, testContext())).steps).toEqual([
      { name: '002_column', direction: 'up' },
    ]);
  });

  it('goes on in the attempt that finds the table free, in both directions', async () => {
    const connection = await server.createOwnedDatabase();
    await up({ connection, registry, count: 1 }, testContext());
    for (const run of [up, down]) {
      await whileHeld(connection, async (release) => {
        const context = testContext();
        let released: Promise<unknown> | undefined;
        const report: typeof context.report = (event) => {
          context.report(event);
          if (event.kind === 'notice') released ??= release();
        };
        expect((await run({ connection, registry, lockTimeoutMs: 100 }, { ...context, report })).steps).toHaveLength(1);
        await released;
        expect(noticesOf(context).length).toBeGreaterThan(0);
      });
    }
  });

  it('without a transaction there is no second attempt: what was done before stays, the next run goes on', async () => {
    const connection = await server.createOwnedDatabase();
    const plain: Registry = {
      ...registry,
      '002_column': statements(
        ['create table if not exists before_it ()', 'alter table held add column if not exists more int'],
        { transaction: false },
      ),
    };
    await up({ connection, registry: plain, count: 1 }, testContext());
    await whileHeld(connection, async (release) => {
      const context = testContext();
      // Long enough for a first look, which opens a connection, on a busy machine too.
      const error = await failureOf(up({ connection, registry: plain, lockTimeoutMs: 1000 }, context));
      expect(error.message).toMatch(/55P03\)\. What was done before stays; the next run goes on from there\.$/);
      expect(error.details.join('\n')).toContain('application "nightly report"');
      expect(noticesOf(context)).toEqual([]);
      await release();
    });
    expect((await up({ connection, registry: plain }, testContext())).pending).toEqual([]);
  });

  it('a concurrent index build waits for it, and says for whom', async () => {
    const connection = await server.createOwnedDatabase();
    const build: Registry = {
      ...registry,
      '002_column': statements('create index concurrently held_id on held (id)', { transaction: false }),
    };
    await up({ connection, registry: build, count: 1 }, testContext());
    await whileHeld(
      connection,
      async (release, pid) => {
        const context = testContext();
        let released: Promise<unknown> | undefined;
        const report: typeof context.report = (event) => {
          context.report(event);
          if (event.kind === 'notice') released ??= release();
        };
        const result = await up({ connection, registry: build, lockTimeoutMs: 100 }, { ...context, report });
        expect(result.pending).toEqual([]);
        await released;
        expect(noticesOf(context)).toHaveLength(1);
        expect(noticesOf(context)[0]).toMatch(
          new RegExp(`^Still waiting for pid ${pid}, application "nightly report"`),
        );
      },
      'insert into held values (1)',
    );
    expect(await query(connection, 'select from pg_index where not indisvalid')).toEqual([]);
  });

  it('Ctrl-C ends the pause between two attempts', async () => {
    const connection = await server.createOwnedDatabase();
    await up({ connection, registry, count: 1 }, testContext());
    await whileHeld(connection, async () => {
      const context = testContext();
      const report: typeof context.report = ({ kind }) => {
        if (kind === 'notice') context.interrupt();
      };
      const error = await failureOf(up({ connection, registry, lockTimeoutMs: 50 }, { ...context, report }));
      expect(error.code).toBe('INTERRUPTED');
    });
  });
});

describe('a deadlock', () => {
  it('is tried again', async () => {
    const connection = await server.createOwnedDatabase();
    const both: Registry = {
      '001_tables': statements(['create table one ()', 'create table two ()']),
      '002_both': statements(['lock table one', 'lock table two']),
    };
    await up({ connection, registry: both, count: 1 }, testContext());
    await sql({ ...server.superuser, database: connection.database }, async (other) => {
      // The other looks for a deadlock much later: the migration is the one that is ended.
      await other.query(`set deadlock_timeout = '1min'`);
      await other.query('begin');
      await other.query('lock table two');
      const context = testContext();
      const run = up({ connection, registry: both, lockTimeoutMs: 5000 }, context);
      await until(connection, `select from pg_locks where relation = 'two'::regclass and not granted`);
      await other.query('lock table one');
      await other.query('rollback');
      expect((await run).steps).toHaveLength(1);
      expect(noticesOf(context)[0]).toMatch(/^002_both met a deadlock \(attempt 1 of 4\), again in .*pid \d+/);
    });
  });
});

describe('the limits of a migration', () => {
  const seen = `insert into seen select current_setting('lock_timeout'), current_setting('statement_timeout')`;
  const table = statements('create table seen (lock text, statement text)');

  it('are those of its config, else of the run, also after one that left others, and are given back', async () => {
    const connection = await server.createOwnedDatabase();
    const own = { lockTimeout: '3s', statementTimeout: '1min' };
    const limited: Registry = {
      '001': table,
      '002': statements(seen),
      '003': statements([seen, 'set lock_timeout = 0'], own),
      '004': statements(seen),
      '005': statements([seen], { ...own, transaction: false }),
      '006': statements([seen, 'set lock_timeout = 0', 'reset lock_timeout', seen], { transaction: false }),
    };
    await up({ connection, registry: limited, lockTimeoutMs: 700 }, testContext());
    expect((await query(connection, 'select lock, statement from seen')).map(Object.values)).toEqual([
      ['700ms', '0'],
      ['3s', '1min'],
      ['700ms', '0'],
      ['3s', '1min'],
      ['700ms', '0'],
      ['700ms', '0'],
    ]);
  });

  it('that are no duration are refused before anything is applied', async () => {
    const connection = await server.createOwnedDatabase();
    const wrong: Registry = { '001': table, '002': statements(seen, { lockTimeout: 'soon' }) };
    const error = await failureOf(up({ connection, registry: wrong }, testContext()));
    expect(error).toMatchObject({ code: 'CONFIG_INVALID', exitCode: 2 });
    expect(error.message).toBe('Migration 002: config.lockTimeout "soon" is not a duration.');
    expect(await query(connection, `select to_regclass('seen') as made`)).toEqual([{ made: null }]);
  });

  it('5 seconds is the default', async () => {
    const connection = await server.createOwnedDatabase();
    await up({ connection, registry: { '001': table, '002': statements(seen) } }, testContext());
    expect(await query(connection, 'select lock from seen')).toEqual([{ lock: '5s' }]);
  });
});
