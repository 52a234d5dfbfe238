import { setTimeout as sleep } from 'node:timers/promises';
import type { ConnectionSettings } from '../config/connection.ts';
import type { RunContext } from '../core/context.ts';
import { codeOf } from '../core/errors.ts';
import { connect } from '../postgres/connect.ts';
import { profiles } from '../postgres/profiles.ts';
import { beat, ensureHeartbeat, HEARTBEAT_MS } from './heartbeat.ts';

/**
 * Writes the heartbeat until it is told to stop. It is a help, not a condition: what fails is tried again, silently; a role
 * that may not make the table is told of once.
 */
export async function keepBeating(
  connection: ConnectionSettings,
  context: Pick<RunContext, 'signal' | 'report'>,
): Promise<void> {
  const { signal } = context;
  const pause = () => sleep(HEARTBEAT_MS, undefined, { signal }).catch(() => {});
  let told = false;
  const tellOnce = () => {
    if (told) return;
    told = true;
    const message = 'structdb.heartbeat is not written: the role may neither make it nor write it.';
    context.report({ kind: 'notice', message });
  };
  while (!signal.aborted) {
    const client = await connect(connection, profiles.probe, { signal }).catch(() => undefined);
    try {
      if (client && (await ensureHeartbeat(client))) {
        while (!signal.aborted) {
          await beat(client);
          await pause();
        }
      } else if (client) tellOnce();
    } catch (error) {
      // Anything else: the server went away.
      if (codeOf(error) === '42501') tellOnce();
    } finally {
      await client?.end().catch(() => {});
    }
    await pause();
  }
}
