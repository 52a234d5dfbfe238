import { expect } from '@jest/globals';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { down, to, up } from '../../src/migrate/index.ts';
import { testContext } from './context.ts';
import { runKilledAfter, structureOf } from './kill.ts';

/** Kills the migration after each of its statements, up and down; the next run must finish what was begun. */
export async function killAfterEachStatement(
  connection: ConnectionSettings,
  name: string,
  before: string,
): Promise<{ readonly up: number; readonly down: number }> {
  const context = testContext();
  await to({ connection, name }, context);
  const applied = await structureOf(connection);
  await to({ connection, name: before }, context);
  const unapplied = await structureOf(connection);
  const kills = { up: 0, down: 0 };
  for (let statement = 1; await runKilledAfter(connection, 'up', statement); statement += 1) {
    await to({ connection, name }, context);
    expect({ statement, structure: await structureOf(connection) }).toEqual({ statement, structure: applied });
    await down({ connection }, context);
    kills.up = statement;
  }
  for (let statement = 1; await runKilledAfter(connection, 'down', statement); statement += 1) {
    await to({ connection, name: before }, context);
    expect({ statement, structure: await structureOf(connection) }).toEqual({ statement, structure: unapplied });
    await up({ connection, count: 1 }, context);
    kills.down = statement;
  }
  return kills;
}
