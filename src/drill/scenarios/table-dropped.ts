import { withClient } from '../../postgres/connect.ts';
import { profiles } from '../../postgres/profiles.ts';
import { MARKER_TABLE } from './marker.ts';
import { recoverFromStore } from './recover.ts';
import type { Scenario, Stage } from './stage.ts';

/** A mistake is replayed as faithfully as everything else: only a point in time before it brings the table back. */
export const tableDropped: Scenario = {
  name: 'table-dropped',
  title: 'a table is dropped by mistake',
  protection: 'recovery to a point in time, just before the mistake',
  limitMs: 0,
  async run(stage, { unprotected }) {
    await stage.begin();
    await stage.writer.more(25);
    let before = new Date(0);
    await stage.breaks(async () => {
      before = await dropTable(stage);
    });
    stage.said.push(`dropped just after ${before.toISOString()}`);
    // The server still runs: what led to the mistake goes into the store before anything else.
    await stage.phase('archive', () => stage.secure());
    const { endLsn: archivedEnd } = await stage.reach();
    const target = unprotected
      ? ({ kind: 'latest' } as const)
      : ({ kind: 'time', at: before, inclusive: true } as const);
    return { connection: await recoverFromStore(stage, { target }), archivedEnd };
  },
};

/** Returns an instant behind every committed row and before the table went, as the server's log would tell it. */
async function dropTable({ cluster, context }: Stage): Promise<Date> {
  return withClient(cluster.connection, profiles.drill, context, async (client) => {
    await client.query('begin');
    await client.query(`lock table ${MARKER_TABLE} in access exclusive mode`);
    const { rows } = await client.query<{ at: Date }>(
      `select date_trunc('milliseconds', clock_timestamp()) + interval '1 ms' as at`,
    );
    await client.query('select pg_sleep(0.01)');
    await client.query(`drop table ${MARKER_TABLE}`);
    await client.query('commit');
    return rows[0]!.at;
  });
}
