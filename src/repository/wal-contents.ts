import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type RunContext, stopIfInterrupted } from '../core/context.ts';
import { StructdbError } from '../core/errors.ts';
import { type Lsn, parseLsn } from '../core/lsn.ts';
import { releaseBuffer } from '../core/streamed.ts';
import { baseProgramEnvironment } from '../programs/credentials.ts';
import { findProgram, type Program, type SearchPlaces } from '../programs/find.ts';
import { withOwnDirectory } from '../programs/own-directory.ts';
import { runProgram } from '../programs/run.ts';
import { startOfSegment } from './wal-names.ts';

/** Reads what WAL says, with pg_waldump of the cluster's own major. */
export interface WalReader {
  readonly waldump: Program;
  readonly segmentSizeBytes: number;
  /** The plain content of a segment, which is the reader's to release; shorter for what `wal receive` had of an open one. */
  readonly read: (name: string) => Promise<Buffer>;
}

/** The end of a transaction, as WAL records it. */
export interface TransactionEnd {
  readonly at: Date;
  /** The same in microseconds since 1970, as exactly as WAL has it. */
  readonly atMicros: bigint;
  /** Where its record begins. */
  readonly lsn: Lsn;
  readonly xid: string;
  readonly committed: boolean;
}

/** A place that replay can stop at. */
export interface FoundRecord {
  /** Where the record begins. */
  readonly lsn: Lsn;
}

/** undefined where pg_waldump of that major is not installed. */
export async function findWaldump(places: SearchPlaces, major: number): Promise<Program | undefined> {
  return findProgram('pg_waldump', places, { major }).catch((error: unknown) => {
    if (error instanceof StructdbError && /^PROGRAM_/.test(error.code)) return undefined;
    throw error;
  });
}

/** Segments that lie on the disk at once. */
const WINDOW = 8;

/**
 * The newest commit in these segments (in order of replay) at or before `endLsn`, and the newest end of any transaction,
 * which may have been rolled back: replay to a time stops at either. undefined: there is none.
 */
export async function newestTransaction(
  reader: WalReader,
  segments: readonly string[],
  context: RunContext,
): Promise<{ readonly commit: TransactionEnd | undefined; readonly end: TransactionEnd | undefined }> {
  let end: TransactionEnd | undefined;
  // One segment first: it nearly always has the answer.
  let size = 1;
  for (let stop = segments.length; stop > 0; ) {
    const start = Math.max(0, stop - size);
    // One more, since a record may reach into the next segment.
    const ends = await transactionEnds(reader, segments.slice(start, stop + 1), [], context);
    end ??= ends.at(-1);
    const commit = ends.findLast(({ committed }) => committed);
    if (commit) return { commit, end };
    stop = start;
    size = WINDOW;
  }
  return { commit: undefined, end };
}

/** The end of that transaction, from the newest segments backwards: numbers come round after four thousand millions. */
export async function findTransaction(
  reader: WalReader,
  segments: readonly string[],
  xid: string,
  context: RunContext,
): Promise<FoundRecord | undefined> {
  return backwards(segments, async (names) =>
    (await transactionEnds(reader, names, ['--xid', xid], context)).findLast((end) => end.xid === xid),
  );
}

/** The newest restore point of that name (pg_create_restore_point). */
export async function findRestorePoint(
  reader: WalReader,
  segments: readonly string[],
  name: string,
  context: RunContext,
): Promise<FoundRecord | undefined> {
  return backwards(segments, async (names) => {
    const lines = await dump(reader, names, ['--rmgr', 'XLOG'], context);
    const point = lines.findLast((line) => line.endsWith(`desc: RESTORE_POINT ${name}`));
    const lsn = point === undefined ? undefined : lsnOf(point);
    return lsn === undefined ? undefined : { lsn };
  });
}

async function backwards<T>(
  segments: readonly string[],
  look: (names: readonly string[]) => Promise<T | undefined>,
): Promise<T | undefined> {
  for (let stop = segments.length; stop > 0; stop -= WINDOW) {
    const found = await look(segments.slice(Math.max(0, stop - WINDOW), stop + 1));
    if (found !== undefined) return found;
  }
  return undefined;
}

async function transactionEnds(
  reader: WalReader,
  names: readonly string[],
  filter: readonly string[],
  context: RunContext,
): Promise<TransactionEnd[]> {
  const lines = await dump(reader, names, ['--rmgr', 'Transaction', ...filter], context);
  return lines.map(parseTransactionEnd).filter((end) => end !== undefined);
}

/**
 * A line of pg_waldump about a transaction's end (PostgreSQL source, src/backend/access/rmgrdesc/xactdesc.c):
 * `… tx: 735, lsn: 0/0155D4F8, prev …, desc: COMMIT 2026-11-25 02:03:04.123456 UTC; …`. For a prepared one the number of
 * the transaction is behind the word.
 */
export function parseTransactionEnd(line: string): TransactionEnd | undefined {
  const match =
    /tx:\s+(\d+), lsn: ([0-9A-F]+\/[0-9A-F]+), .*desc: (COMMIT|ABORT)(?:_PREPARED (\d+):)? (\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)\.(\d{6}) UTC/.exec(
      line,
    );
  if (!match) return undefined;
  const [, xid, lsn, verb, prepared, day, time, micros] = match;
  const at = new Date(`${day}T${time}.${micros!.slice(0, 3)}Z`);
  return {
    at,
    atMicros: BigInt(at.getTime()) * 1000n + BigInt(micros!.slice(3)),
    lsn: parseLsn(lsn!)!,
    xid: prepared ?? xid!,
    committed: verb === 'COMMIT',
  };
}

function lsnOf(line: string): Lsn | undefined {
  return parseLsn(/lsn: ([0-9A-F]+\/[0-9A-F]+),/.exec(line)?.[1] ?? '');
}

/** What pg_waldump prints of consecutive segments, a run of one timeline at a time. */
async function dump(
  reader: WalReader,
  names: readonly string[],
  filter: readonly string[],
  context: RunContext,
): Promise<string[]> {
  stopIfInterrupted(context);
  return withOwnDirectory('waldump', 0o700, async (directory) => {
    const lines: string[] = [];
    for (const run of runsOf(names, reader.segmentSizeBytes)) {
      for (const name of run) {
        const content = await whole(reader, name);
        await writeFile(path.join(directory, name), content, { mode: 0o600 });
        releaseBuffer(content);
      }
      const { stdout } = await runProgram(
        reader.waldump,
        ['--path', directory, ...filter, run[0]!, ...(run.length > 1 ? [run.at(-1)!] : [])],
        {
          env: { ...baseProgramEnvironment },
          signal: context.signal,
          // It ends with 1 where the valid records end, as they do in every open segment.
          accept: [1],
          doing: `Reading the WAL segments from ${run[0]} on`,
        },
      );
      lines.push(...stdout.split('\n').filter(Boolean));
    }
    return lines;
  });
}

/** Names grouped into runs of one timeline without a gap. */
function runsOf(names: readonly string[], segmentSizeBytes: number): string[][] {
  const runs: string[][] = [];
  for (const name of names) {
    const last = runs.at(-1)?.at(-1);
    const follows =
      last !== undefined &&
      last.slice(0, 8) === name.slice(0, 8) &&
      startOfSegment(name, segmentSizeBytes) - startOfSegment(last, segmentSizeBytes) === BigInt(segmentSizeBytes);
    if (follows) runs.at(-1)!.push(name);
    else runs.push([name]);
  }
  return runs;
}

/** pg_waldump wants files of a segment's size. */
async function whole({ read, segmentSizeBytes }: WalReader, name: string): Promise<Buffer> {
  const content = await read(name);
  return content.length >= segmentSizeBytes
    ? content
    : Buffer.concat([content, Buffer.alloc(segmentSizeBytes - content.length)]);
}
