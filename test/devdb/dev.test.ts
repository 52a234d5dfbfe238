import { existsSync, readFileSync } from 'node:fs';
import { chown, cp, mkdir, readdir, readFile, rename, stat } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { exists } from '../../src/config/project.ts';
import { isRunning, processesIn } from '../../src/programs/process.ts';
import { serverUser } from '../../src/programs/system-user.ts';
import { testEnvironment } from '../support/environment.ts';
import { leftOf, sharedMemoryOf } from '../support/shared-memory.ts';
import { newCheckout, newFolder } from './support.ts';

const isRoot = process.geteuid?.() === 0;

async function ask<Row extends object>(result: { port: number; passwordFile: string }, query: string): Promise<Row> {
  const password = (await readFile(result.passwordFile, 'utf8')).trim();
  const client = new pg.Client({
    host: '127.0.0.1',
    port: result.port,
    user: 'structdb',
    database: 'structdb',
    password,
  });
  await client.connect();
  try {
    return (await client.query(query)).rows[0] as Row;
  } finally {
    await client.end();
  }
}

describe('structdb dev start', () => {
  it('makes a server that only this machine reaches, with a password, checksums and archiving', async () => {
    const checkout = await newCheckout();
    const result = await checkout.start();

    expect(result.state).toBe('created');
    const settings = await ask<Record<string, string>>(
      result,
      `select current_setting('data_checksums') checksums, current_setting('listen_addresses') listen,
        current_setting('archive_mode') archiving, current_setting('shared_buffers') buffers,
        current_setting('max_connections') connections,
        (select string_agg(distinct auth_method, ',') from pg_hba_file_rules) auth`,
    );
    expect(settings).toEqual({
      checksums: 'on',
      listen: '127.0.0.1',
      archiving: 'on',
      buffers: '256MB',
      connections: '100',
      auth: 'scram-sha-256',
    });
    expect((await stat(result.passwordFile)).mode & 0o777).toBe(0o600);
    expect(Buffer.byteLength(`${result.socketDirectory}/.s.PGSQL.${result.port}`)).toBeLessThanOrEqual(107);
    const owner = await serverUser(testEnvironment());
    const { uid } = await stat(`/proc/${await checkout.postmasterPid()}`);
    expect(uid).toBe(owner?.uid ?? process.geteuid?.());
    expect(uid).not.toBe(0);
  });

  it('is found by every other command, also from a folder below', async () => {
    const checkout = await newCheckout();
    await checkout.start();
    const below = path.join(checkout.directory, 'a', 'b');
    await mkdir(below, { recursive: true });

    const { exitCode, json } = await checkout.run(['migrate', 'status', '--json'], { cwd: below });

    expect(exitCode).toBe(0);
    expect(json.result.pending).toHaveLength(6);
  });

  it('leaves a running server alone', async () => {
    const checkout = await newCheckout();
    await checkout.start();
    const pid = await checkout.postmasterPid();

    expect((await checkout.start()).state).toBe('running');
    expect(await checkout.postmasterPid()).toBe(pid);
  });

  it('recognises a server that was killed, and brings it back with its data', async () => {
    const checkout = await newCheckout();
    const result = await checkout.start();
    await ask(result, 'create table marker as select 42 as answer');
    process.kill(await checkout.postmasterPid(), 'SIGKILL');
    const status = await checkout.run(['dev', 'status', '--json']);
    expect(status.json.result.state).toBe('crashed');

    const again = await checkout.start();

    expect(again.state).toBe('recovered');
    expect(await ask(again, 'select answer from marker')).toEqual({ answer: 42 });
    expect(await exists(result.socketDirectory)).toBe(false);
  });

  it('stops a server that was killed: nothing of it stays in the system', async () => {
    const checkout = await newCheckout();
    const { socketDirectory } = await checkout.start();
    const pid = await checkout.postmasterPid();
    const held = sharedMemoryOf(pid);
    process.kill(pid, 'SIGKILL');

    const stopped = await checkout.run(['dev', 'stop', '--json']);

    expect(stopped).toMatchObject({ exitCode: 0, json: { result: { state: 'not running' } } });
    expect(leftOf(held)).toEqual([]);
    expect(await exists(socketDirectory)).toBe(false);
    expect((await checkout.run(['dev', 'status', '--json'])).json.result.state).toBe('stopped');
  });

  it('lets the second of two at once wait for the first', async () => {
    const checkout = await newCheckout();

    const results = await Promise.all([checkout.start(), checkout.start()]);

    expect(results.map(({ state }) => state).sort()).toEqual(['created', 'running']);
    expect(results[0].port).toBe(results[1].port);
  });

  it('gives two checkouts a server each', async () => {
    const [one, two] = await Promise.all([newCheckout(), newCheckout()]);
    const [first, second] = await Promise.all([one.start(), two.start()]);
    await ask(first, 'create table only_here ()');

    expect(first.port).not.toBe(second.port);
    expect(await ask(second, `select to_regclass('only_here') as found`)).toEqual({ found: null });
  });

  it('refuses a configured port that is taken, and leaves nothing behind', async () => {
    const { server, port } = await listen();
    const checkout = await newCheckout({
      'structdb.config.ts': `export default { dev: { port: ${port} } };\n`,
    });

    const { exitCode, json, stderr } = await checkout.run(['dev', 'start', '--json']);
    server.close();

    expect(exitCode).toBe(1);
    expect(json.error.code).toBe('PORT_TAKEN');
    expect(stderr).toMatch(new RegExp(`Port ${port} .* in use`));
    expect(await exists(path.join(checkout.directory, '.structdb', 'data'))).toBe(false);
    expect((await checkout.start()).port).toBe(port);
  });

  it('refuses a folder whose name pg_ctl would hand to a shell, and leaves nothing', async () => {
    const checkout = await newCheckout({}, path.join(await newFolder(), 'of $(touch made) and "quotes"'));
    const { exitCode, json } = await checkout.run(['dev', 'start', '--json']);
    expect(exitCode).toBe(1);
    expect(json.error).toMatchObject({ code: 'TARGET_UNSUITABLE', message: expect.stringContaining('holds a $') });
    expect(await readdir(path.join(checkout.directory, '.structdb'))).toEqual([]);
    // Other odd characters are no trouble.
    const good = await newCheckout({}, path.join(await newFolder(), "Übung of 'quotes' & %f"));
    expect(await ask(await good.start(), 'select 1 as one')).toEqual({ one: 1 });
  });

  const START = '/proc/sys/net/ipv4/ip_unprivileged_port_start';
  (existsSync(START) && Number(readFileSync(START, 'utf8')) > 79 ? it : it.skip)(
    'does not take a port that its user may not have for one in use',
    async () => {
      const checkout = await newCheckout({ 'structdb.config.ts': 'export default { dev: { port: 79 } };\n' });
      expect((await checkout.run(['dev', 'start', '--json'])).json.error).toMatchObject({
        code: 'SERVER_START_FAILED',
        message: expect.stringContaining('may not listen'),
        hint: expect.stringContaining('1024'),
      });
    },
  );

  it('moves to another port when a stranger took its own meanwhile', async () => {
    const checkout = await newCheckout();
    const { port } = await checkout.start();
    await checkout.run(['dev', 'stop']);
    const { server } = await listen(port);

    const { stderr, json } = await checkout.run(['dev', 'start', '--json']);
    server.close();

    expect(json.result.port).not.toBe(port);
    expect(stderr).toContain(`Port ${port} is taken`);
    expect((await checkout.run(['migrate', 'status'])).exitCode).toBe(0);
  });

  (isRoot ? it : it.skip)('refuses a data directory that belongs to somebody else', async () => {
    const checkout = await newCheckout();
    const { dataDirectory } = await checkout.start();
    await checkout.run(['dev', 'stop']);
    const { uid, gid } = await stat(dataDirectory);
    await chown(dataDirectory, 65_534, 65_534);

    const { exitCode, json } = await checkout.run(['dev', 'start', '--json']);
    await chown(dataDirectory, uid, gid);

    expect(exitCode).toBe(1);
    expect(json.error).toMatchObject({ code: 'DATA_DIRECTORY_OWNER', hint: expect.stringContaining('chown') });
    expect((await checkout.start()).state).toBe('started');
  });

  it('stopped by Ctrl-C while it initialises, leaves nothing and can be run again', async () => {
    const checkout = await newCheckout();
    const { exitCode } = await checkout.run(['dev', 'start', '--verbose'], {
      onStderr: (text, child) => {
        if (text.includes('Initialising')) child.kill('SIGINT');
      },
    });

    expect(exitCode).toBe(130);
    expect(await readdir(path.join(checkout.directory, '.structdb'))).toEqual([]);
    expect((await checkout.start()).state).toBe('created');
  });

  it('finishes what a killed start began', async () => {
    const checkout = await newCheckout();
    const killed = await checkout.run(['dev', 'start', '--verbose'], {
      onStderr: (text, child) => {
        if (text.includes('Initialising')) child.kill('SIGKILL');
      },
    });
    expect(killed.exitCode).toBe(256);

    const result = await checkout.start();

    expect(result.state).toBe('created');
    expect(await ask(result, 'select 1 as one')).toEqual({ one: 1 });
  });

  it('refuses to start or use a copy of another checkout, whose reset touches the copy only', async () => {
    const checkout = await newCheckout();
    const original = await checkout.start();
    const copy = await newCheckout();
    await cp(path.join(checkout.directory, '.structdb'), path.join(copy.directory, '.structdb'), { recursive: true });

    const refused = await copy.run(['dev', 'start', '--json']);
    expect(refused.json.error.code).toBe('PRIVATE_SERVER_COPIED');
    const unused = await copy.run(['migrate', 'up', '--json']);
    expect(unused.json.error.code).toBe('PRIVATE_SERVER_COPIED');
    expect(await ask(original, `select to_regclass('projects') as found`)).toEqual({ found: null });
    expect((await copy.run(['dev', 'reset', '--yes'])).exitCode).toBe(0);

    expect((await copy.start()).port).not.toBe(original.port);
    expect(await ask(original, 'select 1 as one')).toEqual({ one: 1 });
  });

  it('follows a checkout that was moved', async () => {
    const checkout = await newCheckout();
    await ask(await checkout.start(), 'create table marker ()');
    await checkout.run(['dev', 'stop']);
    const moved = await newCheckout();
    await rename(path.join(checkout.directory, '.structdb'), path.join(moved.directory, '.structdb'));

    const result = await moved.start();

    expect(result.state).toBe('started');
    expect(await ask(result, `select to_regclass('marker')::text as found`)).toEqual({ found: 'marker' });
  });

  (isRoot ? it : it.skip)('keeps the cluster elsewhere when the server’s user cannot reach the checkout', async () => {
    const hidden = path.join(await newFolder(), 'x'.repeat(120));
    await mkdir(hidden, { mode: 0o700 });
    const checkout = await newCheckout({}, hidden);

    const result = await checkout.start();
    await checkout.run(['migrate', 'up']);

    expect(result.directory).toMatch(/^\/var\/lib\/structdb\//);
    expect(await readdir(path.join(checkout.directory, '.structdb'))).toEqual(['location.json']);
    expect((await checkout.run(['migrate', 'status', '--check'])).exitCode).toBe(0);
    const copy = await newCheckout({}, path.join(hidden, 'copy'));
    await cp(path.join(checkout.directory, '.structdb'), path.join(copy.directory, '.structdb'), { recursive: true });
    expect((await copy.run(['migrate', 'status', '--json'])).json.error.code).toBe('NO_CONNECTION');
    expect((await copy.start()).directory).not.toBe(result.directory);
    await checkout.run(['dev', 'reset', '--with-backups', '--yes']);
    expect(await exists(result.directory)).toBe(false);
    expect(await exists(path.join(checkout.directory, '.structdb'))).toBe(false);
  });

  it('serves with npm’s embedded server for everything but backups, which say what to install', async () => {
    const checkout = await newCheckout();
    const env = { STRUCTDB_PROGRAMS: 'embedded' };

    const result = await checkout.start({ env });
    const migrated = await checkout.run(['migrate', 'up'], { env });
    const backup = await checkout.run(['backup', 'run', '--json'], { env });

    expect(result).toMatchObject({ embedded: true, version: expect.stringMatching(/^18\./) });
    expect(migrated.exitCode).toBe(0);
    expect(backup.exitCode).toBe(1);
    expect(backup.json.error).toMatchObject({ code: 'PROGRAM_MISSING', hint: expect.stringContaining('Install') });
  });
});

describe('structdb dev stop', () => {
  it('leaves no process and no socket, and says so when there is nothing to stop', async () => {
    const checkout = await newCheckout();
    const { dataDirectory, socketDirectory } = await checkout.start();
    const pid = await checkout.postmasterPid();

    expect((await checkout.run(['dev', 'stop'])).stdout).toContain('is stopped');

    expect(await isRunning(pid)).toBe(false);
    expect(await processesIn(dataDirectory)).toEqual([]);
    expect(await exists(socketDirectory)).toBe(false);
    const again = await checkout.run(['dev', 'stop', '--json']);
    expect(again).toMatchObject({ exitCode: 0, json: { result: { state: 'not running' } } });
  });
});

describe('structdb dev reset', () => {
  it('asks for a yes, then removes cluster and WAL and keeps the backups', async () => {
    const checkout = await newCheckout();
    const { dataDirectory, storeDirectory } = await checkout.start();
    expect((await checkout.run(['backup', 'run'])).exitCode).toBe(0);

    const asked = await checkout.run(['dev', 'reset', '--json']);
    expect(asked).toMatchObject({ exitCode: 2, json: { error: { code: 'CONFIRMATION_NEEDED' } } });
    expect(await exists(dataDirectory)).toBe(true);
    const { json } = await checkout.run(['dev', 'reset', '--yes', '--json']);

    expect(json.result).toMatchObject({ removed: true, backupsKept: 1, backupsRemoved: 0 });
    expect(await exists(dataDirectory)).toBe(false);
    expect(await readdir(path.dirname(storeDirectory))).toEqual(['store']);
    const listed = await checkout.run(['backup', 'list', '--json']);
    expect(listed.json.result.backups).toHaveLength(1);
  });

  it('leaves nothing at all with --with-backups', async () => {
    const checkout = await newCheckout();
    await checkout.start();
    await checkout.run(['backup', 'run']);

    const { json } = await checkout.run(['dev', 'reset', '--with-backups', '--yes', '--json']);

    expect(json.result.backupsRemoved).toBe(1);
    expect(await readdir(checkout.directory)).toEqual([]);
  });

  it('is one line when there is no private server', async () => {
    const checkout = await newCheckout();
    const { exitCode, stdout } = await checkout.run(['dev', 'reset']);

    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: expect.stringContaining('nothing to reset') });
  });
});

describe('structdb dev psql', () => {
  it('hands its arguments and its exit code on', async () => {
    const checkout = await newCheckout();
    const before = await checkout.run(['dev', 'psql', '-c', 'select 1']);
    expect(before).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('structdb dev start') });
    await checkout.start();

    const good = await checkout.run(['dev', 'psql', '-X', '-At', '-c', 'select 6 * 7']);
    const bad = await checkout.run(['dev', 'psql', '-X', '-v', 'ON_ERROR_STOP=1'], { input: 'selec;\n' });

    expect(good).toMatchObject({ exitCode: 0, stdout: '42\n' });
    expect(bad.exitCode).toBe(3);
    // Two would write on stdout.
    const both = await checkout.run(['dev', 'psql', '--json', '-c', 'selec']);
    expect(both).toMatchObject({ exitCode: 2, json: { exitCode: 2, error: { code: 'USAGE' } } });
  });
});

async function listen(port = 0): Promise<{ server: Server; port: number }> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const address = server.address();
  return { server, port: typeof address === 'object' && address ? address.port : 0 };
}
