import { describe, expect, it } from '@jest/globals';
import { queryTogether } from '../../src/postgres/together.ts';
import { sql, useServer } from '../support/postgres.ts';

const server = useServer();

describe('statements in one round trip', () => {
  it('answer each for itself, with the parameters as they were given', async () => {
    const hostile = `it's $2, \\' and "; select 1; --\n`;
    await sql(await server.createDatabase(), async (client) => {
      const [text, list, nothing] = await queryTogether(client, [
        { text: 'select $1::text as first, $2::int as second', values: [hostile, 7] },
        { text: 'select $1::text[] as list, $2::text[] as none', values: [[hostile, null], []] },
        { text: 'select $1::text as nothing', values: [null] },
      ]);
      expect(text!.rows).toEqual([{ first: hostile, second: 7 }]);
      expect(list!.rows).toEqual([{ list: [hostile, null], none: [] }]);
      expect(nothing!.rows).toEqual([{ nothing: null }]);
    });
  });

  it('end with the first that fails; a single one is answered too', async () => {
    await sql(await server.createDatabase(), async (client) => {
      await client.query('create table t (id int)');
      const running = queryTogether(client, [{ text: 'insert into t values (1)' }, { text: 'select 1 / 0' }]);
      await expect(running).rejects.toMatchObject({ code: '22012' });
      const [counted] = await queryTogether(client, [{ text: 'select count(*)::int as count from t' }]);
      expect(counted!.rows).toEqual([{ count: 0 }]);
    });
  });
});
