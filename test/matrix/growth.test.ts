import { describe, expect, it } from '@jest/globals';
import { measureBench } from '../../src/bench/index.ts';
import { type ConnectionSettings, withDatabase } from '../../src/config/connection.ts';
import type { ProgressEvent } from '../../src/core/progress.ts';
import { amount, begun, databases, endless, steady, verdictsOf } from '../bench/growth/sleepers.ts';
import { testContext } from '../support/context.ts';
import { sql, useServer } from '../support/postgres.ts';

const server = useServer();

describe('a growth that the samples leave undecided', () => {
  it('goes on at each number of clients, also in an open loop', async () => {
    const connection = await server.createOwnedDatabase('createdb');
    const context = testContext();
    const options = { ...amount, ...steady, clients: [10, 8], rate: 200 };
    const { result } = await measureBench({ connection, ...options }, context);
    expect(verdictsOf(result)).toEqual({ 'steady 8': 'pass', 'steady 10': 'pass' });
    expect(result.growth.furtherRounds).toBeGreaterThanOrEqual(2);
    for (const { loop, queries } of result.points) expect(loop).toMatchObject({ requests: queries[0]!.samples });
    const messages = begun(context.events).flatMap(({ step, message }) => (step === 'bench.growth' ? [message] : []));
    expect(messages).toEqual([
      'Timing further what growth leaves undecided with 8 clients: steady',
      'Timing further what growth leaves undecided with 10 clients: steady',
    ]);
  });

  it('whose query fails meanwhile ends the run, and drops every database', async () => {
    const connection = await server.createOwnedDatabase('createdb');
    const context = testContext();
    let broken: Promise<unknown> | undefined;
    const report = (event: ProgressEvent) => {
      const isGrowth = event.kind === 'progress' && event.step === 'bench.growth';
      if (isGrowth) broken ??= breakAll(connection);
    };
    const failing = measureBench({ connection, ...amount, ...endless }, { ...context, report });
    await expect(failing).rejects.toMatchObject({ code: 'BENCH_QUERY_FAILED' });
    await broken;
    expect(await databases(connection)).toEqual([]);
  });
});

async function breakAll(connection: ConnectionSettings): Promise<void> {
  for (const database of await databases(connection)) {
    await sql(withDatabase(connection, database), (client) => client.query('alter table projects rename to gone'));
  }
}
