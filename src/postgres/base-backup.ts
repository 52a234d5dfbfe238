import { PassThrough } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type pg from 'pg';
import type { ConnectionSettings } from '../config/connection.ts';
import { interrupted, type RunContext } from '../core/context.ts';
import { codeOf, StructdbError } from '../core/errors.ts';
import { countStreamed } from '../core/streamed.ts';
import { connect } from './connect.ts';
import { translateDatabaseError } from './errors.ts';
import { profiles } from './profiles.ts';

/**
 * The BASE_BACKUP command of the replication protocol (PostgreSQL manual, "Streaming Replication Protocol"), as
 * pg_basebackup speaks it, but into streams instead of files: every tablespace is an archive of its own that can go
 * straight into any store, the manifest comes apart from them, and a killed structdb leaves no program behind that still
 * writes. The server compresses and checks page checksums. `replication=database`: such a connection is let in by the
 * pg_hba.conf lines of the database, and needs the REPLICATION attribute only.
 */
export interface BaseBackupRequest {
  /** Written into backup_label. */
  readonly label: string;
  /** Zstandard on the server; undefined: archives come uncompressed. `workers` undefined: no threads of its own. */
  readonly compression: { readonly level: number; readonly workers?: number | undefined } | undefined;
  /** The backup_manifest of the backup that this one is to be relative to (PostgreSQL 17 and newer). */
  readonly parentManifest?: AsyncIterable<Uint8Array> | undefined;
}

/** What the server tells before the data. */
export interface BaseBackupBegin {
  readonly startLsn: string;
  readonly timeline: number;
  /** Each with an archive `<oid>.tar`; the estimate is of the whole tablespace. oid null: the data directory. */
  readonly tablespaces: readonly {
    readonly oid: string | null;
    readonly location: string | null;
    readonly estimatedBytes: number;
  }[];
}

export interface BaseBackupEnd extends BaseBackupBegin {
  readonly stopLsn: string;
}

/** Takes what comes. Archives come one after the other, the manifest last. */
export interface BaseBackupSink {
  onBegin(begin: BaseBackupBegin): void;
  /** `base.tar`, `16385.tar` (with `.zst` where the server compresses), `backup_manifest`; reads `body` to its end. */
  onArchive(name: string, body: AsyncIterable<Buffer>): Promise<void>;
  /** Bytes of files that the server has read. */
  onProgress(bytes: number): void;
}

/** Which server a replication connection leads to, and the timeline it is on now. */
export interface SystemIdentification {
  readonly systemIdentifier: string;
  readonly timeline: number;
}

/** A connection to a WAL sender, closed afterwards. When `work` fails or Ctrl-C comes, its socket is cut. */
export async function withReplication<T>(
  connection: ConnectionSettings,
  context: Pick<RunContext, 'signal'>,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  if (context.signal.aborted) throw interrupted();
  const client = await connect(connection, profiles.backup, { replication: true }).catch((error: unknown) => {
    throw refusedReplication(error, connection);
  });
  const cut = () => socketOf(client).destroy();
  context.signal.addEventListener('abort', cut, { once: true });
  try {
    return await work(client);
  } catch (error) {
    cut();
    if (context.signal.aborted) throw interrupted();
    throw translateDatabaseError(error, connection);
  } finally {
    context.signal.removeEventListener('abort', cut);
    await client.end().catch(() => {});
  }
}

export async function identifySystem(client: pg.Client): Promise<SystemIdentification> {
  const { rows } = await client.query<{ systemid: string; timeline: number | string }>('IDENTIFY_SYSTEM');
  return { systemIdentifier: rows[0]!.systemid, timeline: Number(rows[0]!.timeline) };
}

/**
 * Takes a base backup through a replication connection. It holds the WAL from start to stop inside `base.tar`. The server
 * does not wait for its archive, so a broken archive_command cannot make this hang.
 * @throws the server's errors as they are (`code` is the SQLSTATE), and whatever the sink throws
 */
export async function takeBaseBackup(
  client: pg.Client,
  request: BaseBackupRequest,
  sink: BaseBackupSink,
): Promise<BaseBackupEnd> {
  if (request.parentManifest) await uploadManifest(client, request.parentManifest);
  const copy = new CopyOut(commandOf(request));
  client.query(copy as unknown as pg.Submittable);
  const archives = new Archives(sink);
  let begin: BaseBackupBegin | undefined;
  try {
    for await (const message of copy) {
      if (!begin) {
        begin = beginOf(copy.results);
        sink.onBegin(begin);
      }
      await archives.take(message);
    }
    await archives.finish();
  } catch (error) {
    archives.abandon(error);
    // A store that fails is the cause; that the copy was cut is the effect.
    throw archives.failure ?? error;
  }
  const end = copy.results[2]?.[0];
  if (!begin || !end?.[0]) throw new StructdbError('PROGRAM_FAILED', 'The server ended the base backup too early.');
  if (Number(end[1]) !== begin.timeline) {
    throw new StructdbError(
      'PROGRAM_FAILED',
      `The server went from timeline ${begin.timeline} to ${end[1]} during the backup: a standby was promoted.`,
      { hint: 'Run it again.' },
    );
  }
  return { ...begin, stopLsn: end[0] };
}

/** Options are those of pg_basebackup --wal-method=fetch; WAIT false: structdb looks into the archive itself. */
function commandOf({ label, compression, parentManifest }: BaseBackupRequest): string {
  const options = [
    `LABEL '${label.replaceAll("'", "''")}'`,
    'PROGRESS',
    "CHECKPOINT 'fast'",
    'WAL',
    'WAIT false',
    'TABLESPACE_MAP',
    "MANIFEST 'yes'",
    "MANIFEST_CHECKSUMS 'CRC32C'",
  ];
  if (parentManifest) options.push('INCREMENTAL');
  if (compression) {
    const { level, workers } = compression;
    const detail = workers === undefined ? `level=${level}` : `level=${level},workers=${workers}`;
    options.push("COMPRESSION 'zstd'", `COMPRESSION_DETAIL '${detail}'`);
  }
  return `BASE_BACKUP (${options.join(', ')})`;
}

async function uploadManifest(client: pg.Client, manifest: AsyncIterable<Uint8Array>): Promise<void> {
  const { from } = await import('pg-copy-streams');
  await pipeline(manifest, client.query(from('UPLOAD_MANIFEST')));
}

/** The two results before the data: position, then one row per tablespace (the last is the data directory). */
function beginOf([position, spaces]: readonly Result[]): BaseBackupBegin {
  const [lsn, timeline] = position?.[0] ?? [];
  return {
    startLsn: lsn ?? '',
    timeline: Number(timeline),
    tablespaces: (spaces ?? []).map(([oid, location, kilobytes]) => ({
      oid: oid ?? null,
      location: location ?? null,
      estimatedBytes: Number(kilobytes ?? 0) * 1024,
    })),
  };
}

/** Tells the messages of the data apart: a new archive, bytes of it, the manifest, progress. */
class Archives {
  readonly #sink: BaseBackupSink;
  #body: PassThrough | undefined;
  #taken: Promise<void> = Promise.resolve();
  failure: unknown;

  constructor(sink: BaseBackupSink) {
    this.#sink = sink;
  }

  async take({ kind, content }: Message): Promise<void> {
    switch (kind) {
      case 'n':
        return this.#begin(content.subarray(0, content.indexOf(0)).toString('utf8'));
      case 'm':
        return this.#begin('backup_manifest');
      case 'd':
        return this.#write(content);
      case 'p':
        return this.#sink.onProgress(Number(content.readBigInt64BE(0)));
      default:
        throw new StructdbError('PROGRAM_FAILED', 'The server sent a message that no base backup has.');
    }
  }

  /** Ends the current archive and waits until it was taken whole. */
  async finish(): Promise<void> {
    this.#body?.end();
    this.#body = undefined;
    await this.#taken;
  }

  abandon(error: unknown): void {
    this.#body?.destroy(error instanceof Error ? error : new Error(String(error)));
  }

  async #begin(name: string): Promise<void> {
    await this.finish();
    const body = new PassThrough({ highWaterMark: 1024 * 1024 });
    body.on('error', () => {});
    this.#body = body;
    this.#taken = this.#sink.onArchive(name, body).catch((error: unknown) => {
      this.failure ??= error;
      body.destroy();
      throw error;
    });
    this.#taken.catch(() => {});
  }

  async #write(bytes: Buffer): Promise<void> {
    const body = this.#body;
    if (!body) throw new StructdbError('PROGRAM_FAILED', 'The server sent data of no archive.');
    if (body.destroyed) await this.#taken;
    if (body.write(bytes)) return;
    const drained = new Promise<void>((resolve) => {
      body.once('drain', resolve);
      body.once('close', resolve);
    });
    // Whoever reads may also have failed.
    await Promise.race([drained, this.#taken]);
  }
}

type Result = (string | null)[][];

/** What may wait between socket and store. */
const MOST_QUEUED_BYTES = 2 * 1024 * 1024;

/** The server sends data in pieces of 32 KiB at most; whoever takes them, a file among them, is quicker with larger ones. */
const GATHERED_BYTES = 512 * 1024;

/** A message of the copy: its first byte, and what follows. Data (`d`) that comes in a row is one message. */
interface Message {
  readonly kind: string;
  readonly content: Buffer;
}

/**
 * A query of pg whose answer has results and a COPY of any length between them: an iteration over the messages of the
 * copy, in which the socket waits for whoever reads.
 */
class CopyOut implements AsyncIterable<Message> {
  readonly #text: string;
  readonly results: Result[] = [];
  readonly #queue: Message[] = [];
  #queuedBytes = 0;
  #gathered: Buffer | undefined;
  #gatheredBytes = 0;
  #socket: Socket | undefined;
  #ended = false;
  #error: unknown;
  #wake = () => {};

  constructor(text: string) {
    this.#text = text;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Message> {
    for (;;) {
      const message = this.#queue.shift();
      if (message) {
        this.#queuedBytes -= message.content.length;
        if (this.#queuedBytes < MOST_QUEUED_BYTES) this.#socket?.resume();
        yield message;
      } else if (this.#error) throw this.#error;
      else if (this.#ended) return;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  // What pg calls of a query.
  submit(connection: { query(text: string): void; stream: Socket }): void {
    this.#socket = connection.stream;
    connection.query(this.#text);
  }

  handleRowDescription(): void {
    this.results.push([]);
  }

  handleDataRow({ fields }: { fields: (string | null)[] }): void {
    this.results.at(-1)!.push(fields);
  }

  handleCopyData({ chunk }: { chunk: Buffer }): void {
    const kind = String.fromCharCode(chunk[0]!);
    // Copies: the parser writes into its buffer again.
    if (kind === 'd') this.#gather(chunk.subarray(1));
    else {
      this.#queueGathered();
      this.#enqueue({ kind, content: Buffer.from(chunk.subarray(1)) });
    }
  }

  #gather(bytes: Buffer): void {
    for (let taken = 0; taken < bytes.length; ) {
      this.#gathered ??= Buffer.allocUnsafeSlow(GATHERED_BYTES);
      const copied = bytes.copy(this.#gathered, this.#gatheredBytes, taken);
      taken += copied;
      this.#gatheredBytes += copied;
      if (this.#gatheredBytes === GATHERED_BYTES) this.#queueGathered();
    }
  }

  #queueGathered(): void {
    if (this.#gatheredBytes === 0) return;
    const content = this.#gathered!.subarray(0, this.#gatheredBytes);
    this.#gathered = undefined;
    this.#gatheredBytes = 0;
    countStreamed(2 * content.length);
    this.#enqueue({ kind: 'd', content });
  }

  #enqueue(message: Message): void {
    this.#queue.push(message);
    this.#queuedBytes += message.content.length;
    if (this.#queuedBytes >= MOST_QUEUED_BYTES) this.#socket?.pause();
    this.#wake();
  }

  handleError(error: unknown): void {
    this.#error = error;
    this.#wake();
  }

  handleReadyForQuery(): void {
    this.#queueGathered();
    this.#ended = true;
    this.#wake();
  }

  handleCommandComplete(): void {}
  handleEmptyQuery(): void {}
  handlePortalSuspended(): void {}
}

interface Socket {
  pause(): void;
  resume(): void;
  destroy(): void;
}

function socketOf(client: pg.Client): Socket {
  return (client as unknown as { connection: { stream: Socket } }).connection.stream;
}

/** An ordinary connection worked just before: what is refused is replication. */
function refusedReplication(error: unknown, connection: ConnectionSettings): unknown {
  const cause = error instanceof StructdbError ? error.cause : error;
  const message = cause instanceof Error ? cause.message : '';
  if (codeOf(cause) === '53300' || /max_wal_senders/.test(message)) {
    return new StructdbError('CONNECTION_FAILED', `The server has no free WAL sender: ${message}.`, {
      cause,
      hint: 'Raise max_wal_senders (ALTER SYSTEM SET max_wal_senders = 10; then restart the server), or wait for another backup or standby.',
    });
  }
  if (codeOf(cause) === '42501') return lacksReplication(connection.user, cause);
  if (codeOf(cause) === '28000') {
    return new StructdbError('AUTHENTICATION_FAILED', `The server refused a replication connection: ${message}.`, {
      cause,
      hint: `Let it in by a line of pg_hba.conf, then reload: host replication ${connection.user} <address>/32 scram-sha-256`,
    });
  }
  return error;
}

export function lacksReplication(role: string, cause?: unknown): StructdbError {
  return new StructdbError('PERMISSION_DENIED', `"${role}" may not take base backups: it lacks REPLICATION.`, {
    cause,
    hint: `As a superuser: ALTER ROLE "${role.replaceAll('"', '""')}" REPLICATION`,
  });
}
