import type pg from 'pg';
import type { ConnectionSettings } from '../../config/connection.ts';
import type { RunContext } from '../../core/context.ts';
import { messageOf } from '../../core/errors.ts';
import { asStep } from '../../core/progress.ts';
import { baseProgramEnvironment } from '../../programs/credentials.ts';
import { findProgram, type SearchPlaces } from '../../programs/find.ts';
import { runProgram } from '../../programs/run.ts';
import { type Check, check } from '../checks.ts';

/** What pg_amcheck found, over all databases. */
export interface Amcheck {
  readonly check: Check;
  readonly unchecked: readonly string[];
}

/** Corruption was found; what it is stands on standard output. */
const FOUND = 2;
/** gin_index_check came with this major. */
const GIN_MAJOR = 18;

/**
 * pg_amcheck on every heap and B-tree of every database. Sessions get no time limit: the database's own 30 s would end
 * the check of a large table.
 */
export async function amcheck(
  options: { readonly connection: ConnectionSettings; readonly major: number; readonly places: SearchPlaces },
  context: RunContext,
): Promise<Amcheck> {
  const { connection, major, places } = options;
  const program = await findProgram('pg_amcheck', places, { major });
  const args = ['--all', '--install-missing', '--jobs=2', '--no-password'];
  const where = [`--host=${connection.host}`, `--port=${connection.port}`, `--username=${connection.user}`];
  const env = {
    ...baseProgramEnvironment,
    PGOPTIONS: '-c statement_timeout=0 -c lock_timeout=0 -c default_transaction_read_only=off',
  };
  const doing = 'Checking every table and B-tree (pg_amcheck)';
  return asStep(context, 'drill.amcheck', doing, async () => {
    const { exitCode, stdout, stderr } = await runProgram(program, [...args, ...where], {
      env,
      signal: context.signal,
      accept: [1, FOUND],
      doing,
    });
    const good = 'every heap and B-tree of every database is sound (pg_amcheck)';
    if (exitCode === 1) {
      const why =
        stderr
          .split('\n')
          .map((line) => line.trim())
          .filter(Boolean)
          .at(-1) ?? 'exit code 1';
      // Not to be able to look is not corruption, but it is no proof either.
      if (/could not open extension control file|extension "amcheck" is not available/.test(stderr)) {
        return {
          check: check('tables and indexes', 'could not be looked at', []),
          unchecked: [`tables and B-trees: ${why}`],
        };
      }
      return { check: check('tables and indexes', good, [why]), unchecked: [] };
    }
    const found = stdout.split('\n').filter((line) => line.trim() !== '');
    return { check: check('tables and indexes', good, exitCode === 0 ? [] : found), unchecked: [] };
  });
}

interface OtherIndex {
  readonly name: string;
  readonly oid: string;
  readonly method: string;
}

/** Indexes that pg_amcheck leaves out: GIN is looked at where the server can, the others are listed. */
export async function checkOtherIndexes(
  client: pg.Client,
  major: number,
): Promise<{ readonly problems: readonly string[]; readonly unchecked: readonly string[] }> {
  const { rows } = await client.query<OtherIndex>(
    `select format('%I.%I', n.nspname, c.relname) as name, c.oid::text, a.amname as method
       from pg_class c join pg_am a on a.oid = c.relam join pg_namespace n on n.oid = c.relnamespace
      where c.relkind = 'i' and a.amname <> 'btree' order by 3, 1`,
  );
  const problems: string[] = [];
  for (const { name, oid } of rows.filter(({ method }) => major >= GIN_MAJOR && method === 'gin')) {
    await client.query(`select gin_index_check(${oid}::regclass)`).catch((error: unknown) => {
      problems.push(`${name}: ${messageOf(error)}`);
    });
  }
  const left = rows.filter(({ method }) => major < GIN_MAJOR || method !== 'gin');
  return {
    problems,
    unchecked: left.map(({ name, method }) => `${method} index ${name}: PostgreSQL ${major} has no check for it`),
  };
}
