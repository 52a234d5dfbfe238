import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import type { ConnectionSettings } from '../../config/connection.ts';
import type { RunContext } from '../../core/context.ts';
import { StructdbError } from '../../core/errors.ts';
import { withProgramEnvironment } from '../../programs/credentials.ts';
import type { Program } from '../../programs/find.ts';
import { abandonedDirectories, withOwnDirectory } from '../../programs/own-directory.ts';
import { runProgram } from '../../programs/run.ts';
import type { Statement } from '../suite/query.ts';
import { type PgbenchScript, pgbenchScript } from './pgbench-script.ts';
import type { WayRound } from './side-by-side.ts';

const KIND = 'pgbench';

/**
 * Gives `work` a way to run the statements in pgbench, prepared, each transaction one of them by chance; or the reason why
 * pgbench cannot ask them. What it writes is gone afterwards.
 */
export async function withPgbench<T>(
  options: {
    readonly program: Program;
    readonly connection: ConnectionSettings;
    readonly statements: readonly Statement[];
    readonly clients: number;
  },
  context: RunContext,
  work: (ask: ((samples: number) => Promise<WayRound>) | string) => Promise<T>,
): Promise<T> {
  const scripts = options.statements.map((statement, number) => pgbenchScript(statement, `p${number}_`));
  const refused = scripts.find((script) => typeof script === 'string');
  if (refused !== undefined) return work(`not in pgbench: ${refused}`);
  for (const left of await abandonedDirectories(KIND)) await rm(left, { recursive: true, force: true }).catch(() => {});
  return withOwnDirectory(KIND, 0o700, async (directory) => {
    const ask = await prepareRuns(scripts as PgbenchScript[], directory, options, context);
    try {
      // Whether it can ask them at all is found before anything is timed.
      await ask(options.clients);
    } catch (error) {
      if (!(error instanceof StructdbError) || error.code !== 'PROGRAM_FAILED') throw error;
      return work(`not in pgbench: ${error.details.find((line) => line.includes('ERROR')) ?? error.message}`);
    }
    return work(ask);
  });
}

async function prepareRuns(
  scripts: readonly PgbenchScript[],
  directory: string,
  { program, connection, clients }: { program: Program; connection: ConnectionSettings; clients: number },
  context: RunContext,
): Promise<(samples: number) => Promise<WayRound>> {
  const files: string[] = [];
  for (const [number, { text }] of scripts.entries()) {
    const file = path.join(directory, `${number}.sql`);
    await writeFile(file, text);
    files.push(file);
  }
  const fixed = [
    ...['--no-vacuum', '--protocol=prepared', '--log', `--client=${clients}`],
    `--jobs=${Math.min(clients, availableParallelism())}`,
    ...scripts.flatMap(({ variables }) => variables.map(([name, value]) => `--define=${name}=${value}`)),
    ...files.map((file) => `--file=${file}`),
  ];
  let run = 0;
  return async (samples) => {
    run += 1;
    const logs = path.join(directory, `run${run}`);
    await mkdir(logs);
    // The first of each client and script also prepares it, and is left out.
    const each = Math.ceil(samples / clients) + scripts.length;
    const { stdout } = await withProgramEnvironment(connection, undefined, (env) =>
      runProgram(
        program,
        [...fixed, `--transactions=${each}`, `--log-prefix=${path.join(logs, 'log')}`, connection.database],
        { env, signal: context.signal, doing: 'Asking through pgbench' },
      ),
    );
    const latencies: number[] = [];
    for (const name of await readdir(logs)) latencies.push(...readLog(await readFile(path.join(logs, name), 'utf8')));
    return { latencies, perSecond: Number(/^tps = ([\d.]+)/m.exec(stdout)?.[1]) };
  };
}

/**
 * Latencies in ms of a log of pgbench, whose lines are `client transaction time script epoch µs` with the time in µs (manual,
 * pgbench, "Per-Transaction Logging"); without the first transaction of each client and script.
 */
export function readLog(text: string): number[] {
  const latencies: number[] = [];
  const prepared = new Set<string>();
  for (const line of text.split('\n')) {
    const [client, , time, script] = line.split(' ');
    if (script === undefined || !/^\d+$/.test(time!)) continue;
    const session = `${client} ${script}`;
    if (prepared.has(session)) latencies.push(Number(time) / 1000);
    prepared.add(session);
  }
  return latencies;
}
