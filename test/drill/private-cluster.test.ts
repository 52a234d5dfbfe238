import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PrivateCluster } from '../../src/drill/scenarios/private-cluster.ts';
import { findServerPrograms } from '../../src/postgres/cluster.ts';
import { serverUser } from '../../src/programs/system-user.ts';
import { testContext } from '../support/context.ts';
import { testEnvironment, testPlaces } from '../support/environment.ts';
import { scratchDirectory } from '../support/scratch.ts';
import { leftOf, type SharedMemory, sharedMemoryOf } from '../support/shared-memory.ts';

const scratch = await scratchDirectory();
const context = testContext();

let cluster: PrivateCluster;

beforeAll(async () => {
  const site = { programs: await findServerPrograms(testPlaces()), user: await serverUser(testEnvironment()) };
  cluster = await PrivateCluster.at(site, path.join(scratch, 'cluster'));
  await cluster.initialise(context);
});

afterAll(() => cluster.remove());

/** Starts it, and says what it holds. */
async function started(): Promise<SharedMemory> {
  await cluster.start({}, context);
  const [pid] = readFileSync(path.join(cluster.dataDirectory, 'postmaster.pid'), 'utf8').split('\n');
  const held = sharedMemoryOf(Number(pid));
  expect(held.files.length).toBeGreaterThan(0);
  expect(held.segments.length).toBe(1);
  return held;
}

describe('a cluster that is there to be broken', () => {
  it('that is killed leaves none of its shared memory in the system, and starts again', async () => {
    const held = await started();
    await cluster.kill();
    expect(leftOf(held)).toEqual([]);

    const again = await started();
    await cluster.stop();
    expect(leftOf(again)).toEqual([]);
  });

  it('leaves nothing when it is removed while it runs', async () => {
    const held = await started();
    const { host } = cluster.connection;
    await cluster.remove();
    expect(leftOf(held)).toEqual([]);
    expect([cluster.directory, host].filter((left) => existsSync(left))).toEqual([]);
  });
});
