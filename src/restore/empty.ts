import type pg from 'pg';
import { quoteIdentifier } from '../postgres/connect.ts';
import { findExtensions, findUserObjects } from './contents.ts';

/**
 * Takes out again what a failed restore put into a database that was empty before: everything in it was made by that
 * restore, which held the database's lock all the while.
 */
export async function emptyAgain(client: pg.Client, extensionsBefore: ReadonlySet<string>): Promise<void> {
  await client.query('begin');
  // Dropping one object may take others along, so each is dropped only if it is still there.
  for (const { type, identity } of await findUserObjects(client)) {
    if (type === 'large object') await client.query('select lo_unlink($1)', [identity]);
    else await client.query(`drop ${type} if exists ${identity} cascade`);
  }
  for (const name of (await findExtensions(client)).keys()) {
    if (!extensionsBefore.has(name)) await client.query(`drop extension if exists ${quoteIdentifier(name)} cascade`);
  }
  // A schema that held only an extension counts as empty while the extension is there.
  for (const { type, identity } of await findUserObjects(client)) {
    await client.query(`drop ${type} if exists ${identity} cascade`);
  }
  await client.query('commit');
}
