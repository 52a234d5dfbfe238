/** What the comparisons share: a scratch server, psql on it, turns, medians, and the verdict. */
import { execFileSync } from 'node:child_process';
import { homedir, hostname, userInfo } from 'node:os';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import type { Environment } from '../../src/config/environment.ts';
import { systemClock } from '../../src/core/clock.ts';
import type { RunContext } from '../../src/core/context.ts';
import { findServerPrograms, type ScratchCluster, withScratchCluster } from '../../src/postgres/cluster.ts';
import { findProgram, type SearchPlaces } from '../../src/programs/find.ts';

export const context: RunContext = { clock: systemClock, report: () => {}, signal: new AbortController().signal };

export const environment: Environment = Object.freeze({
  variables: process.env,
  home: homedir(),
  workingDirectory: process.cwd(),
  uid: process.geteuid?.(),
  userName: userInfo().username,
  hostName: hostname(),
  platform: process.platform,
});

export const places: SearchPlaces = { environment, directories: [] };

/** Runs `work` on a private server that is gone afterwards. */
export async function onScratchServer(
  work: (cluster: ScratchCluster) => Promise<void>,
  settings: Readonly<Record<string, string>> = {},
): Promise<void> {
  await withScratchCluster({ programs: await findServerPrograms(places), environment, settings }, context, work);
}

/** A psql on that database: takes a script, gives what it prints. */
export async function psqlOn(connection: ConnectionSettings): Promise<(script: string) => string> {
  const { path: psql } = await findProgram('psql', places);
  const flags = ['-X', '-q', '-v', 'ON_ERROR_STOP=1', '-h', connection.host, '-p', String(connection.port)];
  const args = [...flags, '-U', connection.user, connection.database];
  return (input) => execFileSync(psql, args, { input, encoding: 'utf8' });
}

/** The sum of what `\timing` printed, in milliseconds. */
export function timingOf(printed: string): number {
  return [...printed.matchAll(/Time: ([\d.]+) ms/g)].reduce((sum, [, ms]) => sum + Number(ms), 0);
}

/** Runs this file again as a child with these words and takes the JSON it prints: each sample in a new process. */
export function inNewProcess<T>(file: string, words: readonly string[]): T {
  return JSON.parse(execFileSync(process.execPath, [file, ...words], { encoding: 'utf8' })) as T;
}

export interface Contender {
  readonly name: string;
  /** Milliseconds of one run. */
  readonly run: (round: number) => number | Promise<number>;
}

/**
 * Ours against the peer, taking turns, the order changing with each round, so that other work on the machine meets both
 * alike. Prints medians, spreads and their ratio; exit code 4 when it is above the target. The first round does not count:
 * it fills caches.
 */
export async function compare(
  ours: Contender,
  peer: Contender,
  { rounds, target }: { readonly rounds: number; readonly target: number },
): Promise<void> {
  const times = new Map<Contender, number[]>([
    [ours, []],
    [peer, []],
  ]);
  for (let round = 0; round <= rounds; round += 1) {
    for (const contender of round % 2 === 0 ? [peer, ours] : [ours, peer]) {
      const ms = await contender.run(round);
      if (round > 0) times.get(contender)!.push(ms);
    }
  }
  const width = Math.max(ours.name.length, peer.name.length, 'ratio'.length) + 2;
  for (const contender of [peer, ours]) {
    const values = times.get(contender)!;
    const spread = `${Math.min(...values).toFixed(1)} – ${Math.max(...values).toFixed(1)}`;
    console.log(`${contender.name.padEnd(width)}${median(values).toFixed(1)} ms  (median of ${rounds}; ${spread})`);
  }
  const ratio = median(times.get(ours)!) / median(times.get(peer)!);
  console.log(`${'ratio'.padEnd(width)}${ratio.toFixed(2)}  (target: at most ${target})`);
  process.exitCode = ratio <= target ? 0 : 4;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
