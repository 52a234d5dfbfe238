import { describe, expect, it } from '@jest/globals';
import { sql as kyselySql } from 'kysely';
import type pg from 'pg';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { createKysely, createPool } from '../../src/postgres/connect.ts';
import { profiles } from '../../src/postgres/profiles.ts';
import { withPgBouncer } from '../support/pgbouncer.ts';
import { useServer } from '../support/postgres.ts';

const server = useServer();

/** One session that prepares what comes again. */
async function withSession<T>(work: (client: pg.PoolClient, connection: ConnectionSettings) => Promise<T>): Promise<T> {
  const connection = await server.createDatabase();
  const pool = await createPool(connection, profiles.application, { max: 1, prepare: true });
  const client = await pool.connect();
  try {
    return await work(client, connection);
  } finally {
    client.release();
    await pool.end();
  }
}

async function preparedIn(client: pg.ClientBase): Promise<string[]> {
  // An object is sent as it is: the question does not count itself.
  const { rows } = await client.query<{ statement: string }>({
    text: 'select statement from pg_prepared_statements order by statement',
  });
  return rows.map(({ statement }) => statement);
}

describe('a connection that prepares', () => {
  it('prepares a statement that comes again, and answers as before', async () => {
    await withSession(async (client) => {
      const ask = async (value: number) => (await client.query('select $1::int + 1 as next', [value])).rows;
      expect(await ask(1)).toEqual([{ next: 2 }]);
      expect(await preparedIn(client)).toEqual([]);
      expect(await ask(2)).toEqual([{ next: 3 }]);
      expect(await ask(3)).toEqual([{ next: 4 }]);
      expect(await preparedIn(client)).toEqual(['select $1::int + 1 as next']);
    });
  });

  it('leaves alone what is no query, several statements in one, and what has a name or a form of its own', async () => {
    await withSession(async (client) => {
      for (let turn = 0; turn < 3; turn += 1) {
        await client.query('begin', []);
        await client.query('create temp table t (id int) on commit drop', []);
        await client.query('select 1; select 2', []);
        await client.query({ text: 'select $1::int', values: [turn] });
        await client.query({ name: 'mine', text: 'select $1::text', values: ['x'] });
        await client.query('commit', []);
      }
      expect(await preparedIn(client)).toEqual(['select $1::text']);
    });
  });

  it('does so under Kysely and under pool.query, with errors as they are', async () => {
    const connection = await server.createDatabase();
    const pool = await createPool(connection, profiles.application, { max: 1, prepare: true });
    for (let turn = 0; turn < 3; turn += 1)
      expect((await pool.query('select 12 / $1::int as n', [turn + 1])).rows).toEqual([{ n: 12 / (turn + 1) }]);
    expect((await pool.query({ text: 'select count(*)::int as n from pg_prepared_statements' })).rows).toEqual([
      { n: 1 },
    ]);
    await expect(pool.query('select 12 / $1::int as n', [0])).rejects.toMatchObject({ code: '22012' });
    await pool.end();

    const db = await createKysely<object>(connection, profiles.application, { max: 1, prepare: true });
    const count = () =>
      kyselySql<{ n: number }>`select count(*)::int as n from pg_prepared_statements where ${true}`.execute(db);
    expect([await count(), await count(), await count()].map(({ rows }) => rows[0]!.n)).toEqual([0, 1, 1]);
    await db.destroy();
  });

  it('asks once more, without anybody noticing, when a column has changed its type', async () => {
    await withSession(async (client) => {
      await client.query('create table t (id int)');
      await client.query('insert into t values (1)');
      const ask = async () => (await client.query('select * from t where id = $1', [1])).rows;
      for (let turn = 0; turn < 3; turn += 1) await ask();
      await client.query('alter table t add column name text default $$new$$');
      for (let turn = 0; turn < 3; turn += 1) expect(await ask()).toEqual([{ id: 1, name: 'new' }]);
      // The old one is closed, the new one is prepared again.
      expect(await preparedIn(client)).toEqual(['select * from t where id = $1']);
    });
  });

  it('gives the error to a transaction, which it ended, and works in the next', async () => {
    await withSession(async (client) => {
      await client.query('create table t (id int)');
      const ask = async () => (await client.query('select * from t where id = $1', [1])).rows;
      for (let turn = 0; turn < 3; turn += 1) await ask();
      await client.query('begin');
      await client.query('alter table t add column name text');
      await expect(ask()).rejects.toMatchObject({ code: '0A000' });
      await client.query('rollback');
      await client.query('begin');
      expect(await ask()).toEqual([]);
      await client.query('commit');
    });
  });

  it('prepares no more where somebody dropped what it had prepared', async () => {
    await withSession(async (client) => {
      const ask = async () => (await client.query('select $1::int as n', [1])).rows;
      for (let turn = 0; turn < 3; turn += 1) await ask();
      await client.query('discard all');
      for (let turn = 0; turn < 3; turn += 1) expect(await ask()).toEqual([{ n: 1 }]);
      expect(await preparedIn(client)).toEqual([]);
    });
  });

  it.each(['discard all', 'alter table t add column name text'])(
    'does not ask again out of its place what was asked without waiting, after %s',
    async (change) => {
      await withSession(async (client) => {
        await client.query('create table t (id int)');
        const insert = (id: number) => client.query('insert into t (id) values ($1) returning *', [id]);
        for (let id = 1; id <= 3; id += 1) await insert(id);
        await client.query(change);
        const asked = [client.query('begin'), insert(4), client.query('rollback')];
        const [, inserted] = await Promise.allSettled(asked);
        expect(inserted!.status).toBe('rejected');
        expect((await client.query({ text: 'select count(*)::int as n from t' })).rows).toEqual([{ n: 3 }]);
        expect((await insert(5)).rows[0]).toMatchObject({ id: 5 });
      });
    },
  );

  it('keeps a bounded number of them on the server', async () => {
    await withSession(async (client) => {
      for (let number = 0; number < 300; number += 1)
        for (let turn = 0; turn < 2; turn += 1) await client.query(`select ${number} + $1::int as n`, [0]);
      expect(await preparedIn(client)).toHaveLength(256);
      const { rows } = await client.query('select 0 + $1::int as n', [7]);
      expect(rows).toEqual([{ n: 7 }]);
    });
  });

  it('goes through a pooler that gives each transaction another session', async () => {
    const database = await server.createDatabase();
    await withPgBouncer(
      database,
      { pool_mode: 'transaction', default_pool_size: '2', ignore_startup_parameters: 'options,extra_float_digits' },
      async (through) => {
        const pool = await createPool(through, profiles.application, { max: 6, prepare: true });
        const answers = await Promise.all(
          Array.from({ length: 120 }, async (_, turn) => {
            const text = `select $1::int as n, ${turn % 3} as which`;
            const { rows } = await pool.query<{ n: number; which: number }>(text, [turn]);
            return rows[0];
          }),
        );
        await pool.end();
        expect(answers).toEqual(Array.from({ length: 120 }, (_, turn) => ({ n: turn, which: turn % 3 })));
      },
    );
  });
});
