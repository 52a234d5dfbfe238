import { execFile, spawn } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '../../src/postgres/cluster.ts';

/** What a client needs to know of the gateway. */
export interface S3Gateway {
  readonly endpoint: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export const GATEWAY_PROGRAMS = ['ceph', 'ceph-mon', 'ceph-osd', 'monmaptool', 'radosgw', 'radosgw-admin'] as const;
const START_DEADLINE_MS = 180_000;
const run = promisify(execFile);

/**
 * Starts a real S3 server: Ceph's RADOS gateway over one monitor and one OSD that keeps everything in memory, all on
 * free ports of 127.0.0.1 and below `directory`. About a second. They end with `stopS3Gateway`, and by themselves
 * when the process `guardian` is gone.
 */
export async function startS3Gateway(directory: string, guardian: number): Promise<S3Gateway> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await start(directory, guardian);
    } catch (error) {
      // A port that was free may be somebody else's by the time a server asks for it.
      await stopS3Gateway(directory);
      if (attempt >= 3) throw error;
    }
  }
}

async function start(directory: string, guardian: number): Promise<S3Gateway> {
  await mkdir(directory, { recursive: true });
  for (const folder of ['mon', 'osd', 'rgw']) await mkdir(path.join(directory, folder));
  const [monitorPort, port] = [await freePort(), await freePort()];
  const [cluster, osd] = [randomUUID(), randomUUID()];
  const configuration = path.join(directory, 'ceph.conf');
  await writeFile(configuration, cephConfiguration({ directory, cluster, monitorPort, port }));
  const program = async (name: (typeof GATEWAY_PROGRAMS)[number], ...args: readonly string[]) => {
    const env = { PATH: process.env.PATH, CEPH_CONF: configuration };
    await run(name, [...args], { env, cwd: directory, timeout: START_DEADLINE_MS });
  };
  await program('monmaptool', '--create', '--fsid', cluster, '--addv', 'a', `v1:127.0.0.1:${monitorPort}`, 'monmap');
  await program('ceph-mon', '--mkfs', '-i', 'a', '--monmap', 'monmap');
  watch(directory, guardian);
  await program('ceph-mon', '-i', 'a');
  await program('ceph', 'osd', 'new', osd);
  await program('ceph-osd', '-i', '0', '--mkfs', '--osd-uuid', osd);
  await program('ceph-osd', '-i', '0');
  await program('ceph', 'osd', 'crush', 'add', 'osd.0', '1.0', 'root=default', 'host=localhost');
  await program('radosgw', '-n', 'client.rgw');
  const keys = { accessKeyId: `AK${randomBytes(9).toString('hex')}`, secretAccessKey: randomBytes(20).toString('hex') };
  const user = ['--uid', 'tests', '--display-name', 'tests', '--max-buckets', '0'];
  await program(
    ...(['radosgw-admin', 'user', 'create', ...user, '--access-key', keys.accessKeyId] as const),
    ...['--secret', keys.secretAccessKey],
  );
  await listening(port);
  return { endpoint: `http://127.0.0.1:${port}`, region: 'us-east-1', ...keys };
}

/** Ends the servers below a directory at once: what they kept was in memory. Nothing to do is fine. */
export async function stopS3Gateway(directory: string): Promise<void> {
  const names = await readdir(directory).catch(() => [] as string[]);
  for (const name of names.filter((entry) => entry.endsWith('.pid'))) {
    const pid = Number(await readFile(path.join(directory, name), 'utf8').catch(() => ''));
    try {
      if (pid > 0) process.kill(pid, 'SIGKILL');
    } catch {
      // It is gone already.
    }
  }
  await rm(directory, { recursive: true, force: true });
}

/** One configuration for all: no authentication between the servers, one copy of everything, few and quick rounds. */
function cephConfiguration(of: { directory: string; cluster: string; monitorPort: number; port: number }): string {
  const { directory } = of;
  return `[global]
fsid = ${of.cluster}
mon host = v1:127.0.0.1:${of.monitorPort}
public addr = 127.0.0.1
cluster addr = 127.0.0.1
host = localhost
auth cluster required = none
auth service required = none
auth client required = none
osd pool default size = 1
osd pool default min size = 1
mon allow pool size one = true
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
mon max pg per osd = 5000
osd crush chooseleaf type = 0
osd class update on start = false
osd crush update on start = false
osd objectstore = memstore
memstore device bytes = 8589934592
paxos propose interval = 0.02
paxos min wait = 0.01
run dir = ${directory}
admin socket = ${directory}/$name.asok
log file = ${directory}/$name.log
pid file = ${directory}/$name.pid
keyring = ${directory}/keyring
mon data = ${directory}/mon
osd data = ${directory}/osd
rgw data = ${directory}/rgw
[client.rgw]
rgw frontends = beast endpoint=127.0.0.1:${of.port}
`;
}

/** A killed test run must not leave servers behind: a shell waits for its end and ends them. */
function watch(directory: string, guardian: number): void {
  const script = `while kill -0 "$1" 2>/dev/null && [ -d "$2" ]; do sleep 2; done
    [ -d "$2" ] || exit 0
    for file in "$2"/*.pid; do kill -9 "$(cat "$file")" 2>/dev/null; done
    rm -rf "$2"`;
  spawn('sh', ['-c', script, 'sh', String(guardian), directory], { detached: true, stdio: 'ignore', cwd: '/' }).unref();
}

async function listening(port: number): Promise<void> {
  for (const deadline = Date.now() + START_DEADLINE_MS; Date.now() < deadline; ) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false));
      socket.on('connect', () => socket.destroy());
    });
    if (open) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`The S3 gateway did not open port ${port} in ${START_DEADLINE_MS} ms.`);
}
