import type { ConnectionSettings } from '../../config/connection.ts';
import type { RunContext } from '../../core/context.ts';
import { codeOf } from '../../core/errors.ts';
import { withClient } from '../../postgres/connect.ts';
import { profiles } from '../../postgres/profiles.ts';

/** What the server says of itself that other parts need; each null where the role may not ask. */
export interface ClusterFacts {
  readonly systemIdentifier: string | null;
  readonly dataDirectory: string | null;
}

/** Asks the server which cluster it is, and where its data is. */
export async function readCluster(connection: ConnectionSettings, context: RunContext): Promise<ClusterFacts> {
  return withClient(connection, profiles.probe, context, async (client) => {
    const ask = async (query: string) => {
      try {
        return (await client.query<{ found: string }>(query)).rows[0]?.found ?? null;
      } catch (error) {
        if (codeOf(error) === '42501') return null;
        throw error;
      }
    };
    return {
      systemIdentifier: await ask('select system_identifier::text as found from pg_catalog.pg_control_system()'),
      dataDirectory: await ask(`select current_setting('data_directory') as found`),
    };
  });
}

/** Whether the server runs on this machine. */
export function isLocal({ host }: Pick<ConnectionSettings, 'host'>): boolean {
  return host.startsWith('/') || host === 'localhost' || host === '::1' || host.startsWith('127.');
}
