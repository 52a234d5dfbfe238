import type pg from 'pg';
import type { ConnectionSettings } from '../../config/connection.ts';
import { refuseReadOnly } from '../../postgres/read-only.ts';
import { refuseTransactionPooling } from './pooler.ts';

/** What a run needs of the connection, asked before anything is written. @throws POOLED_CONNECTION, SERVER_READ_ONLY */
export async function requireWritableSession(
  client: pg.Client,
  connection: ConnectionSettings,
  lockTimeoutMs: number,
): Promise<void> {
  await refuseTransactionPooling(client, connection, lockTimeoutMs);
  await refuseReadOnly(client, connection);
}
