import type pg from 'pg';
import { StructdbError } from '../../core/errors.ts';
import { profiles } from '../../postgres/profiles.ts';

/** Any number that nobody else uses: the bytes of "benching". */
export const LOCK_KEY = '7090189168474254951';
/** A session that stays idle as long as the run lasts. */
export const KEEPER = { ...profiles.seed, applicationName: 'structdb bench keeper' };

/** Held as long as the session lives. @throws LOCKED */
export async function takeLock(keeper: pg.Client, database: string): Promise<void> {
  const { rows } = await keeper.query<{ locked: boolean }>('select pg_try_advisory_lock($1::bigint) as locked', [
    LOCK_KEY,
  ]);
  if (rows[0]!.locked) return;
  throw new StructdbError('LOCKED', `Another benchmark is at work in the database "${database}".`, {
    hint: 'Wait for it to end, or name another empty database.',
  });
}
