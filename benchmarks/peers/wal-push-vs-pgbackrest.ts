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
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { loadSample } from '../../src/database/load-sample.ts';
import { up } from '../../src/migrate/index.ts';
import { defaultSample } from '../../src/sample/index.ts';
import { identityOf, prepareOwn, preparePeer } from './archives.ts';
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

  const own = await prepareOwn(path.join(directory, 'own'), identityOf(psql), undefined);
  const peer = await preparePeer(path.join(directory, 'peer'), connection, dataDirectory, undefined);
  const timed = (command: string, words: readonly string[]) => {
    const started = performance.now();
    execFileSync(command, words, { cwd: dataDirectory, stdio: ['ignore', 'ignore', 'inherit'] });
    return performance.now() - started;
  };
  const file = (round: number) => `pg_wal/${segments[round]!}`;
  await compare(
    { name: 'wal push', run: (round) => timed(process.execPath, [own.wal, 'push', file(round)]) },
    {
      name: 'pgbackrest archive-push',
      run: (round) => timed('pgbackrest', [...peer.words, 'archive-push', file(round)]),
    },
    { rounds, target: 2.5 },
  );
});
