import { chmod, lstat, mkdir, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ConnectionSettings } from '../config/connection.ts';
import type { RunContext } from '../core/context.ts';
import { messageOf, StructdbError } from '../core/errors.ts';
import { formatLsn } from '../core/lsn.ts';
import { keepBeating } from '../database/keep-beating.ts';
import { withClient } from '../postgres/connect.ts';
import { profiles } from '../postgres/profiles.ts';
import { ensureSlot, readWalServer, type WalServer } from '../postgres/replication-slot.ts';
import { findProgram, type SearchPlaces } from '../programs/find.ts';
import { temporaryRoot } from '../programs/own-directory.ts';
import type { Actor } from '../repository/holder.ts';
import { withLease } from '../repository/lease.ts';
import { ensureRepository, type Repository } from '../repository/repository.ts';
import { listWal } from '../repository/wal-archive.ts';
import type { Store } from '../storage/store.ts';
import { streamWal } from './receive-stream.ts';
import { type StreamSettings, Uploader } from './receive-upload.ts';

export interface ReceiveOptions {
  readonly connection: ConnectionSettings;
  readonly store: Store;
  readonly places: SearchPlaces;
  readonly actor: Actor;
  /** The physical replication slot; made when absent. */
  readonly slot: string;
  /** Where pg_receivewal writes. Nothing that matters stays there; a folder among the temporary files by default. */
  readonly spoolDirectory?: string | undefined;
  /** Writes structdb.heartbeat every 10 s where the role may. */
  readonly heartbeat: boolean;
}

export interface ReceiveResult {
  readonly slot: string;
  readonly systemIdentifier: string;
  readonly store: string;
  /** Whole segments, uploads of open ones and timeline histories that this run brought into the store. */
  readonly segments: number;
  readonly partials: number;
  readonly histories: number;
  /** End of the WAL that is in the store through this run; null when none came. */
  readonly endLsn: string | null;
  /** How often the connection was lost and made again. */
  readonly reconnects: number;
}

/** How often the folder is looked at. */
const LOOK_MS = 100;
/** So many closed segments may wait for a store that does not answer; then the server keeps the WAL. */
const MOST_WAITING = 4;
const LONGEST_PAUSE_MS = 5000;
/** A connection that held so long was no failed attempt. */
const GOOD_CONNECTION_MS = 10_000;

/**
 * Streams WAL into the store until it is told to stop: closed segments as they close, and the open one at most a second
 * after it changed. One at a time per repository. Restarted after anything, it goes on behind what is in the store.
 * @throws LOCKED, LEASE_LOST, PERMISSION_DENIED, REPOSITORY_MISMATCH, WAL_CONFLICT, PROGRAM_MISSING, PROGRAM_TOO_OLD, what
 * the first connection fails with, and what the store fails with before the first upload
 */
export async function receiveWal(options: ReceiveOptions, context: RunContext): Promise<ReceiveResult> {
  const { connection, store, places, actor, slot } = options;
  const server = await withClient(connection, profiles.probe, context, async (client) => {
    const found = await readWalServer(client);
    await ensureSlot(client, slot);
    return found;
  });
  const program = await findProgram('pg_receivewal', places, { atLeast: server.postgresMajor });
  const repository = await ensureRepository(store, server);
  return withLease(repository, 'wal-receive', actor, context, async (leased) => {
    const spool = await prepareSpool(options.spoolDirectory ?? defaultSpool(server), places.environment.uid);
    const receiver = new Receiver(options, server, repository, program, spool, leased);
    try {
      return await receiver.run();
    } finally {
      // What could not be uploaded stays for the next run.
      if ((await readdir(spool).catch(() => [])).length === 0) await rm(spool, { recursive: true, force: true });
    }
  });
}

class Receiver {
  readonly #options: ReceiveOptions;
  readonly #server: WalServer;
  readonly #repository: Repository;
  readonly #program: Parameters<typeof streamWal>[0]['program'];
  readonly #spool: string;
  readonly #context: RunContext;
  readonly #uploader: Uploader;
  #reconnects = 0;
  /** A failure that no repetition heals. */
  #fatal: unknown;
  readonly #stop = new AbortController();
  /** What was told last of the connection and of the store, so that it is told once. */
  #connectionTrouble: string | undefined;
  #storeTrouble: string | undefined;

  constructor(
    options: ReceiveOptions,
    server: WalServer,
    repository: Repository,
    program: Parameters<typeof streamWal>[0]['program'],
    spool: string,
    context: RunContext,
  ) {
    this.#options = options;
    this.#server = server;
    this.#repository = repository;
    this.#program = program;
    this.#spool = spool;
    this.#context = { ...context, signal: AbortSignal.any([context.signal, this.#stop.signal]) };
    const settings: StreamSettings = {
      systemIdentifier: server.systemIdentifier,
      segmentSizeBytes: server.walSegmentBytes,
      major: server.postgresMajor,
      trimLimitBytes: null,
    };
    this.#uploader = new Uploader(spool, repository, settings, () => context.clock.monotonicMs());
  }

  async run(): Promise<ReceiveResult> {
    this.#uploader.last = [...(await listWal(this.#repository)).segments.keys()].at(-1);
    // What a run before this one received and could not upload.
    await this.#uploader.upload(true);
    await this.#uploader.forgetOpen();
    const { connection, heartbeat } = this.#options;
    const work = [this.#keepStreaming(), this.#keepUploading()];
    if (heartbeat) work.push(keepBeating(connection, this.#context));
    await Promise.all(work.map((each) => each.catch((error: unknown) => this.#fail(error))));
    // Asked to stop, or lost: what has come until now is brought home.
    await this.#uploader.upload(true).then(
      () => this.#uploader.forgetOpen(),
      (error: unknown) => this.#fail(error),
    );
    if (this.#fatal !== undefined) throw this.#fatal;
    const { segments, partials, histories, endLsn } = this.#uploader.done;
    return Object.freeze({
      slot: this.#options.slot,
      systemIdentifier: this.#server.systemIdentifier,
      store: this.#repository.store.location,
      segments,
      partials,
      histories,
      endLsn: endLsn === undefined ? null : formatLsn(endLsn),
      reconnects: this.#reconnects,
    });
  }

  #fail(error: unknown): void {
    if (!this.#context.signal.aborted || this.#fatal !== undefined) this.#fatal ??= error;
    else if (!(error instanceof StructdbError && error.code === 'INTERRUPTED')) this.#fatal = error;
    this.#stop.abort();
  }

  get #stopped(): boolean {
    return this.#context.signal.aborted;
  }

  /** Connects again and again; a server that is gone for a while has lost nothing that its slot keeps. */
  async #keepStreaming(): Promise<void> {
    let failures = 0;
    let from = this.#uploader.next;
    while (!this.#stopped) {
      await this.#whileStoreIsBehind();
      const began = this.#context.clock.monotonicMs();
      const trouble = await this.#stream(from);
      if (this.#stopped) return;
      this.#reconnects += 1;
      failures = this.#context.clock.monotonicMs() - began > GOOD_CONNECTION_MS ? 0 : failures + 1;
      this.#tellConnection(trouble);
      from = isUnreachable(trouble) ? undefined : this.#uploader.next;
      await this.#pause(Math.min(LONGEST_PAUSE_MS, 250 * 2 ** Math.min(failures, 5)));
    }
  }

  /** Streams until the connection ends; says why it did. */
  async #stream(from: string | undefined): Promise<string> {
    const { connection, slot } = this.#options;
    const own = new AbortController();
    const signal = AbortSignal.any([this.#context.signal, own.signal]);
    const watch = this.#watchBacklog(own);
    try {
      const state = await withClient(connection, profiles.probe, this.#context, async (client) => {
        const { systemIdentifier } = await readWalServer(client);
        if (systemIdentifier !== this.#server.systemIdentifier) {
          this.#fail(
            new StructdbError('REPOSITORY_MISMATCH', `The server is another cluster now: ${systemIdentifier}.`, {
              hint: 'Start wal receive anew for it.',
            }),
          );
        }
        return ensureSlot(client, slot);
      });
      if (state.wasLost) this.#warnOfHole(`the server had given up the slot "${slot}" (max_slot_wal_keep_size)`);
      const onStart = (where: string) => this.#tellStart(where);
      await streamWal({ program: this.#program, connection, slot, spool: this.#spool, from, signal, onStart });
      return 'the server ended the stream';
    } catch (error) {
      if (/has already been removed/.test(messageOf(error))) {
        this.#warnOfHole(`the server no longer has the segment ${from ?? 'that is next'}`);
      }
      return own.signal.aborted ? 'the store does not take what has come' : messageOf(error);
    } finally {
      own.abort();
      await watch;
      await this.#drain();
    }
  }

  /** Between two connections everything goes into the store, so that the next one begins with an empty folder. */
  async #drain(): Promise<void> {
    while (!this.#stopped) {
      if (await this.#tryUpload(true)) {
        await this.#uploader.forgetOpen();
        return;
      }
      await this.#pause(1000);
    }
  }

  async #whileStoreIsBehind(): Promise<void> {
    while (!this.#stopped && (await this.#uploader.backlog()) > 0) await this.#pause(LOOK_MS);
  }

  async #watchBacklog(own: AbortController): Promise<void> {
    while (!own.signal.aborted && !this.#stopped) {
      if ((await this.#uploader.backlog()) > MOST_WAITING) own.abort();
      await sleep(LOOK_MS, undefined, { signal: own.signal }).catch(() => {});
    }
  }

  #uploading: Promise<boolean> = Promise.resolve(true);

  async #keepUploading(): Promise<void> {
    while (!this.#stopped) {
      const good = await this.#tryUpload(false);
      await this.#pause(good ? LOOK_MS : 1000);
    }
    await this.#uploading;
  }

  /** One at a time. False when the store failed; then it is tried again. */
  #tryUpload(all: boolean): Promise<boolean> {
    this.#uploading = this.#uploading.then(() => this.#uploadOnce(all));
    return this.#uploading;
  }

  async #uploadOnce(all: boolean): Promise<boolean> {
    try {
      await this.#uploader.upload(all);
      if (this.#storeTrouble !== undefined) this.#notice(`${this.#repository.store.location} takes WAL again.`);
      this.#storeTrouble = undefined;
      return true;
    } catch (error) {
      const code = error instanceof StructdbError ? error.code : undefined;
      if (code !== 'STORE_FAILED' && code !== 'DISK_FULL') {
        this.#fail(error);
        return false;
      }
      const trouble = messageOf(error);
      if (trouble !== this.#storeTrouble) this.#warn(`${trouble} It is tried again.`);
      this.#storeTrouble = trouble;
      return false;
    }
  }

  async #pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#context.signal }).catch(() => {});
  }

  #tellStart(where: string): void {
    this.#connectionTrouble = undefined;
    this.#notice(`Receiving WAL from ${where} into ${this.#repository.store.location}.`);
  }

  #tellConnection(trouble: string): void {
    if (trouble !== this.#connectionTrouble) this.#warn(`${trouble} It is tried again; the slot keeps what comes.`);
    this.#connectionTrouble = trouble;
  }

  #warnOfHole(why: string): void {
    this.#context.report({
      kind: 'warning',
      message: `WAL is missing in the archive: ${why}.`,
      hint: 'Make a base backup now: structdb backup run --kind base; see what can be reached: structdb wal status',
    });
  }

  #warn(message: string): void {
    this.#context.report({ kind: 'warning', message });
  }

  #notice(message: string): void {
    this.#context.report({ kind: 'notice', message });
  }
}

/** The server cannot begin there: the slot says from where on it can. */
function isUnreachable(trouble: string): boolean {
  return /has already been removed|not in this server's history|ahead of the WAL flush position/.test(trouble);
}

function defaultSpool({ systemIdentifier }: WalServer): string {
  return path.join(temporaryRoot(), `structdb-receive-${systemIdentifier}`);
}

/** A folder of this user alone. What it holds of a run before is taken over. */
async function prepareSpool(spool: string, uid: number | undefined): Promise<string> {
  await mkdir(spool, { recursive: true, mode: 0o700 });
  const found = await lstat(spool);
  if (!found.isDirectory() || (uid !== undefined && found.uid !== uid)) {
    throw new StructdbError('FILE_UNREADABLE', `${spool} belongs to somebody else (user id ${found.uid}).`, {
      hint: 'Name a folder of your own: --spool <folder>',
    });
  }
  await chmod(spool, 0o700);
  return spool;
}
