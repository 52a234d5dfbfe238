import { readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { PassThrough } from 'node:stream';
import type { ConnectionSettings } from '../config/connection.ts';
import { withProgramEnvironment } from '../programs/credentials.ts';
import type { Program } from '../programs/find.ts';
import { runProgram } from '../programs/run.ts';

export interface StreamOptions {
  readonly program: Program;
  readonly connection: ConnectionSettings;
  readonly slot: string;
  readonly spool: string;
  /** The segment to begin with; where the slot says, by default. */
  readonly from: string | undefined;
  readonly signal: AbortSignal;
  /** Called when WAL comes in. */
  readonly onStart: (where: string) => void;
}

/**
 * Runs the program in its arguments until it ends, or until standard input does: pg_receivewal must not go on when
 * structdb was killed, because what it acknowledges to the server is then in no store.
 */
const WITH_PARENT = `exec 3<&0
"$@" </dev/null &
child=$!
trap 'kill $child 2>/dev/null' HUP INT TERM
(cat <&3 >/dev/null; kill $child 2>/dev/null) &
watcher=$!
wait $child
code=$?
while kill -0 $child 2>/dev/null; do wait $child; code=$?; done
kill $watcher 2>/dev/null
exit $code`;

/**
 * Runs pg_receivewal into the folder until the connection ends.
 * @throws PROGRAM_FAILED (the connection ended, or never began), INTERRUPTED
 */
export async function streamWal(options: StreamOptions): Promise<void> {
  const { program, connection, slot, spool, from, signal, onStart } = options;
  // pg_receivewal begins with the last segment that its folder has; an open one it receives anew from its beginning.
  if (from !== undefined && (await readdir(spool)).length === 0)
    await writeFile(path.join(spool, `${from}.partial`), '');
  const alive = new PassThrough();
  const shell: Program = { ...program, path: '/bin/sh' };
  const args = ['--directory', spool, '--slot', slot, '--synchronous', '--no-loop', '--no-password', '--verbose'];
  try {
    await withProgramEnvironment(connection, undefined, (env) =>
      runProgram(shell, ['-c', WITH_PARENT, 'structdb', program.path, ...args], {
        env,
        signal,
        input: alive,
        doing: 'Receiving WAL',
        onErrorLine: (line) => {
          const where = /starting log streaming at (\S+ \(timeline \d+\))/.exec(line)?.[1];
          if (where) onStart(where);
        },
      }),
    );
  } finally {
    alive.end();
  }
}
