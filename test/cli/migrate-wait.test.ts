import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { findServerPrograms } from '../../src/postgres/cluster.ts';
import { serverUser } from '../../src/programs/system-user.ts';
import { structdb } from '../support/cli.ts';
import { testEnvironment, testPlaces } from '../support/environment.ts';
import { prepareLoopbackServer, serverDirectory } from '../support/loopback-server.ts';
import { urlOf, useServer } from '../support/postgres.ts';

const server = useServer();

/** An address at which nothing listens. */
const NOWHERE = 'postgres://u:secret-word@127.0.0.1:1/d';

describe('structdb migrate --wait', () => {
  it('waits until a server is started and has recovered, tells each reason once, and then does its work', async () => {
    const user = await serverUser(testEnvironment());
    const directory = await serverDirectory('wait', user);
    const recovered = path.join(directory, 'recovered');
    const { connection, dataDirectory, start } = await prepareLoopbackServer({
      programs: await findServerPrograms(testPlaces()),
      user,
      directory,
      // Recovery lasts until the file is there: it asks for the history of a later timeline first.
      settings: {
        hot_standby: 'off',
        restore_command: `while ! test -e ${recovered}; do sleep 0.02; done; false`,
      },
    });
    await writeFile(path.join(dataDirectory, 'recovery.signal'), '');
    let starting: Promise<void> | undefined;
    let recovering: Promise<void> | undefined;
    const run = await structdb(['migrate', 'up', '1', '--wait', '--url', urlOf(connection)], {
      onStderr: (soFar) => {
        if (soFar.includes('nothing listens there')) starting ??= start();
        if (soFar.includes('it is starting up')) recovering ??= writeFile(recovered, '');
      },
    });
    await Promise.all([starting, recovering]);
    expect(run).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('Applied 1 migration') });
    const at = `127.0.0.1:${connection.port}`;
    const waits = run.stderr.split('\n').filter((line) => line.includes('Waiting'));
    expect(waits.slice(0, 2)).toEqual([
      `ℹ Waiting for the server at ${at}: nothing listens there`,
      `ℹ Waiting for the server at ${at}: it is starting up`,
    ]);
    expect(new Set(waits).size).toBe(waits.length);
  });

  it('gives up after its time with one error, for each verb that connects', async () => {
    for (const verb of [
      ['up'],
      ['down', '--yes'],
      ['to', '003', '--yes'],
      ['status'],
      ['verify'],
      ['plan'],
      ['lint'],
    ]) {
      const { exitCode, json, stderr } = await structdb([
        'migrate',
        ...verb,
        '--json',
        '--wait',
        '0.3s',
        '--url',
        NOWHERE,
      ]);
      expect({ verb, exitCode, code: json.error.code }).toEqual({ verb, exitCode: 1, code: 'CONNECTION_FAILED' });
      expect(json.error.message).toMatch(
        /^Waited .* for the server at 127\.0\.0\.1:1 \(from --url\): nothing listens there\.$/,
      );
      expect(stderr).not.toContain('secret-word');
    }
  });

  it('fails at once on a wrong password and on wrong usage', async () => {
    const refused = await structdb([
      ...['migrate', 'status', '--wait', '--json'],
      ...['--url', urlOf({ ...server.superuser, password: 'not-the-password' })],
    ]);
    expect(refused).toMatchObject({ exitCode: 1, json: { error: { code: 'AUTHENTICATION_FAILED' } } });
    expect(refused.stderr).not.toContain('Waiting');
    const wrong = await structdb(['migrate', 'up', '--wait', '5', '--url', NOWHERE]);
    expect(wrong).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('--wait "5" is not a duration.') });
  });

  it('is not asked for by itself, and ends at once with Ctrl-C', async () => {
    const plain = await structdb(['migrate', 'status', '--url', NOWHERE]);
    expect(plain).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('Cannot reach') });
    expect(plain.stderr).not.toContain('Wait');
    const interrupted = await structdb(['migrate', 'status', '--wait', '1 hour', '--url', NOWHERE], {
      onStderr: (soFar, child) => {
        if (soFar.includes('Waiting')) child.kill('SIGINT');
      },
    });
    expect(interrupted).toMatchObject({ exitCode: 130, stderr: expect.stringContaining('✗ Interrupted.') });
  });
});
