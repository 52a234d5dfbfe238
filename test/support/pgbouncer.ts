import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chown, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { freePort } from '../../src/postgres/cluster.ts';
import { serverUser } from '../../src/programs/system-user.ts';
import { testEnvironment } from './environment.ts';
import { scratchDirectory } from './scratch.ts';

/** While `work` runs, a PgBouncer stands before the server; the connection given goes through it. */
export async function withPgBouncer<T>(
  server: ConnectionSettings,
  settings: Readonly<Record<string, string>>,
  work: (through: ConnectionSettings) => Promise<T>,
): Promise<T> {
  const directory = await scratchDirectory();
  const port = await freePort();
  const file = path.join(directory, 'pgbouncer.ini');
  const all = {
    listen_addr: '127.0.0.1',
    listen_port: String(port),
    unix_socket_dir: '',
    auth_type: 'any',
    ignore_startup_parameters: 'options,extra_float_digits',
    ...settings,
  };
  const target = `host=${server.host} port=${server.port} user=${server.user} password=${server.password}`;
  const lines = Object.entries(all).map(([name, value]) => `${name} = ${value}`);
  await writeFile(file, `[databases]\n* = ${target}\n[pgbouncer]\n${lines.join('\n')}\n`);
  // It refuses to run as root.
  const user = await serverUser(testEnvironment());
  if (user) for (const own of [directory, file]) await chown(own, user.uid, user.gid);
  const child = spawn('pgbouncer', [file], { ...(user ?? {}), stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = once(child, 'close');
  let log = '';
  try {
    await new Promise<void>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', () => reject(new Error(`pgbouncer did not start:\n${log}`)));
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        log += text;
        if (log.includes('process up')) resolve();
      });
    });
    return await work(Object.freeze({ ...server, port }));
  } finally {
    child.kill('SIGTERM');
    await ended.catch(() => {});
  }
}
