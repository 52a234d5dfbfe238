import { defineConfig } from 'kysely-ctl';
import pg from 'pg';

/** kysely-ctl as it comes, over the same migration files; the connection from PG* variables. */
export default defineConfig({
  dialect: 'pg',
  dialectConfig: () => ({ pool: new pg.Pool() }),
  migrations: { migrationFolder: '../../../migrations' },
});
