import type { Kysely } from 'kysely';
import type { ConnectionSettings } from '../../config/connection.ts';
import { interrupted, type RunContext } from '../../core/context.ts';
import type { Database } from '../../database/types.ts';
import { createKysely } from '../../postgres/connect.ts';
import { profiles } from '../../postgres/profiles.ts';
import { readOnly } from './station.ts';

/**
 * Asks through one connection what users wrote, which may take as long as it likes: Ctrl-C does not wait for the answer.
 * The session ends with the database, or when it has answered.
 * @throws INTERRUPTED, and what `work` throws
 */
export async function askingAlone<T>(
  workspace: ConnectionSettings,
  { signal }: Pick<RunContext, 'signal'>,
  work: (db: Kysely<Database>) => Promise<T>,
): Promise<T> {
  const db = await createKysely<Database>(readOnly(workspace), profiles.bench, { max: 1 });
  const { promise: stopped, reject } = Promise.withResolvers<never>();
  const stop = () => reject(interrupted());
  signal.addEventListener('abort', stop, { once: true });
  try {
    if (signal.aborted) throw interrupted();
    return await Promise.race([work(db), stopped]);
  } finally {
    signal.removeEventListener('abort', stop);
    const closed = db.destroy().catch(() => {});
    if (!signal.aborted) await closed;
  }
}
