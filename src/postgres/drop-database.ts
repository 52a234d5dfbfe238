import type pg from 'pg';
import { codeOf } from '../core/errors.ts';
import { quoteIdentifier } from './connect.ts';

/**
 * Drops a database that may be gone already. With `force` whoever is connected is disconnected; without it nobody is, and
 * the answer is false when somebody was (55006 object_in_use).
 */
export async function dropDatabase(
  client: pg.ClientBase,
  name: string,
  { force }: { readonly force: boolean },
): Promise<boolean> {
  try {
    await client.query(`drop database if exists ${quoteIdentifier(name)}${force ? ' with (force)' : ''}`);
    return true;
  } catch (error) {
    if (!force && codeOf(error) === '55006') return false;
    throw error;
  }
}
