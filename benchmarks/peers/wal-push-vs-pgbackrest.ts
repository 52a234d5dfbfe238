/**
 * Archiving one WAL segment against pgBackRest's archive-push, as a ratio in one run:
 *
 *     node benchmarks/peers/wal-push-vs-pgbackrest.ts [rounds]      (needs pgbackrest: apt-get install pgbackrest)
 *
 * Both are started as PostgreSQL's archive_command starts them, one process for each 16 MiB segment, compress with
 * Zstandard at level 1 and end when the segment is durable in a directory. The segments are real: rows of the sample and
 * random text. Every round archives one that neither has seen.
 */
import { execFileSync } from 'node:child_process';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { loadSample } from '../../src/database/load-sample.ts';
import { up } from '../../src/migrate/index.ts';
import { writeArchiveProgram } from '../../src/repository/archive-program.ts';
import { defaultSample } from '../../src/sample/index.ts';
import { compare, context, onScratchServer, psqlOn } from './support.ts';

const rounds = Number(process.argv[2] ?? 15);

await onScratchServer(async ({ connection, directory, dataDirectory }) => {
  const psql = await psqlOn(connection);
  psql(`alter system set wal_keep_size = '4GB'; select pg_reload_conf();`);
  await up({ connection }, context);
  await loadSample({ connection, ...defaultSample }, context);
  psql('create table noise (line text)');
  const walDirectory = path.join(dataDirectory, 'pg_wal');
  let segments: string[] = [];
  while (segments.length < rounds + 2) {
    // A third of the bytes is random, as hashes and keys are; the rest repeats, as rows do.
    psql(`insert into noise select repeat('beam ', 8) || md5(i::text || random()) from generate_series(1, 60000) i;`);
    segments = (await readdir(walDirectory)).filter((name) => /^[0-9A-F]{24}$/.test(name)).toSorted();
  }
  psql('select pg_switch_wal()');

  const [identifier, size, major] = psql(
    `\\pset format unaligned\n\\pset tuples_only on\n\\pset fieldsep ' '
     select system_identifier, setting, current_setting('server_version_num')::int / 10000
     from pg_control_system(), pg_settings where name = 'wal_segment_size'`,
  )
    .trim()
    .split('\n')
    .at(-1)!
    .split(' ') as [string, string, string];
  const program = await prepareOwn(path.join(directory, 'own'), identifier, Number(size), Number(major));
  const settings = await preparePeer(path.join(directory, 'peer'), connection, dataDirectory);
  const timed = (command: string, words: readonly string[]) => {
    const started = performance.now();
    execFileSync(command, words, { cwd: dataDirectory, stdio: ['ignore', 'ignore', 'inherit'] });
    return performance.now() - started;
  };
  const file = (round: number) => `pg_wal/${segments[round]!}`;
  await compare(
    { name: 'wal push', run: (round) => timed(process.execPath, [program, 'push', file(round)]) },
    {
      name: 'pgbackrest archive-push',
      run: (round) => timed('pgbackrest', [...settings, 'archive-push', file(round)]),
    },
    { rounds, target: 1 },
  );
});

/** The archive program as `dev start` lays it down. */
async function prepareOwn(folder: string, systemIdentifier: string, segmentSizeBytes: number, major: number) {
  const store = { type: 'directory' as const, path: path.join(folder, 'store'), groupAccess: false };
  await writeArchiveProgram(folder, { store, systemIdentifier, segmentSizeBytes, major }, undefined);
  return path.join(folder, 'wal.mjs');
}

/** A stanza for this cluster. Returns what each command is given. */
async function preparePeer(folder: string, { host, port, user }: ConnectionSettings, dataDirectory: string) {
  await mkdir(folder);
  const config = path.join(folder, 'pgbackrest.conf');
  await writeFile(
    config,
    `[global]
repo1-path=${folder}/repository
log-path=${folder}
lock-path=${folder}
log-level-console=off
log-level-file=off
compress-type=zst
compress-level=1
[peer]
pg1-path=${dataDirectory}
pg1-socket-path=${host}
pg1-port=${port}
pg1-user=${user}
`,
  );
  const words = [`--config=${config}`, '--stanza=peer'];
  execFileSync('pgbackrest', [...words, 'stanza-create'], { stdio: 'inherit' });
  return words;
}
