import { expect } from '@jest/globals';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { down, to, up } from '../../src/migrate/index.ts';
import { testContext } from './context.ts';
import { runKilledAfter, structureOf } from './kill.ts';

/** Kills `up` after each of its statements; the next run must finish what was begun. Returns how many kills that were. */
export async function killUpAfterEachStatement(
  connection: ConnectionSettings,
  name: string,
  before: string,
): Promise<number> {
  const context = testContext();
  await to({ connection, name }, context);
  const applied = await structureOf(connection);
  await to({ connection, name: before }, context);
  let statement = 1;
  for (; await runKilledAfter(connection, 'up', statement); statement += 1) {
    await to({ connection, name }, context);
    expect({ statement, structure: await structureOf(connection) }).toEqual({ statement, structure: applied });
    await down({ connection }, context);
  }
  return statement - 1;
}

/** The same for the way back. */
export async function killDownAfterEachStatement(
  connection: ConnectionSettings,
  name: string,
  before: string,
): Promise<number> {
  const context = testContext();
  await to({ connection, name: before }, context);
  const unapplied = await structureOf(connection);
  await to({ connection, name }, context);
  let statement = 1;
  for (; await runKilledAfter(connection, 'down', statement); statement += 1) {
    await to({ connection, name: before }, context);
    expect({ statement, structure: await structureOf(connection) }).toEqual({ statement, structure: unapplied });
    await up({ connection, count: 1 }, context);
  }
  return statement - 1;
}
