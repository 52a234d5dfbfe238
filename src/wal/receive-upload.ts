import { readdir, readFile, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { StructdbError } from '../core/errors.ts';
import type { Lsn } from '../core/lsn.ts';
import type { ArchiveSettings } from '../repository/archive-settings.ts';
import type { Repository } from '../repository/repository.ts';
import { findArchived, listPartials, partialKey, walSuffix } from '../repository/wal-archive.ts';
import { segmentName, segmentNumber, startOfSegment, timelineName, timelineNumber } from '../repository/wal-names.ts';
import { faultOfSegment } from '../repository/wal-segment.ts';
import { OpenSegment } from './open-segment.ts';
import { pushContent } from './push.ts';

export type StreamSettings = Pick<
  ArchiveSettings,
  'systemIdentifier' | 'segmentSizeBytes' | 'major' | 'trimLimitBytes'
>;

/** What was brought into the store so far. */
export interface Uploaded {
  segments: number;
  partials: number;
  histories: number;
  /** End of the newest WAL that is in the store through this run; undefined before the first upload. */
  endLsn: Lsn | undefined;
}

/** The open segment is uploaded at most this often; a change waits no longer than this and the time of one look. */
const PARTIAL_EVERY_MS = 600;

/**
 * Brings what pg_receivewal has written into a folder into the store, in the order of the WAL: closed segments as
 * `wal push` does, and the open one as a new object each time it changed.
 */
export class Uploader {
  readonly done: Uploaded = { segments: 0, partials: 0, histories: 0, endLsn: undefined };
  /** The last whole segment that is in the store. */
  last: string | undefined;
  readonly #spool: string;
  readonly #repository: Repository;
  readonly #settings: StreamSettings;
  readonly #now: () => number;
  #open: OpenSegment | undefined;
  /** End of the newest upload of each open segment. */
  readonly #uploadedTo = new Map<string, Lsn>();
  #lastPartialMs = Number.NEGATIVE_INFINITY;

  constructor(spool: string, repository: Repository, settings: StreamSettings, now: () => number) {
    this.#spool = spool;
    this.#repository = repository;
    this.#settings = settings;
    this.#now = now;
  }

  /** Where to go on when the folder is empty: behind the last whole segment of the newest timeline in the store. */
  get next(): string | undefined {
    if (this.last === undefined) return undefined;
    const { segmentSizeBytes } = this.#settings;
    return segmentName(timelineNumber(this.last), segmentNumber(this.last, segmentSizeBytes) + 1n, segmentSizeBytes);
  }

  /** Closed segments and histories that still wait. */
  async backlog(): Promise<number> {
    return (await readdir(this.#spool)).filter((name) => isSegment(name) || isHistory(name)).length;
  }

  /** Uploads what has come since; the open segment not more often than is useful, unless `all`. */
  async upload(all = false): Promise<void> {
    const names = (await readdir(this.#spool)).sort();
    for (const name of names.filter(isHistory)) await this.#uploadHistory(name);
    for (const name of names) {
      if (isSegment(name)) await this.#uploadSegment(name);
      else if (isOpen(name)) await this.#uploadOpen(name.slice(0, 24), all);
    }
  }

  /** Removes the open segment's file: what it holds is in the store, and the server sends it again from its beginning. */
  async forgetOpen(): Promise<void> {
    this.#open = undefined;
    for (const name of await readdir(this.#spool)) {
      if (isOpen(name)) await rm(path.join(this.#spool, name), { force: true });
    }
  }

  async #uploadHistory(name: string): Promise<void> {
    const file = path.join(this.#spool, name);
    const { written } = await pushContent(name, await readFile(file), this.#repository.store, this.#settings);
    if (written) this.done.histories += 1;
    await rm(file, { force: true });
  }

  async #uploadSegment(name: string): Promise<void> {
    const file = path.join(this.#spool, name);
    const { segmentSizeBytes } = this.#settings;
    await pushContent(name, await readFile(file), this.#repository.store, this.#settings);
    this.last = name;
    this.done.segments += 1;
    this.done.endLsn = startOfSegment(name, segmentSizeBytes) + BigInt(segmentSizeBytes);
    // Only now is what was uploaded of it while it was open of no more use.
    for (const partial of await listPartials(this.#repository, name.slice(0, 8))) {
      if (partial.name <= name && (partial.name === name || (await findArchived(this.#repository, partial.name)))) {
        await this.#repository.store.delete(partial.key);
      }
    }
    this.#uploadedTo.delete(name);
    if (this.#open?.name === name) this.#open = undefined;
    await rm(file, { force: true });
  }

  async #uploadOpen(name: string, all: boolean): Promise<void> {
    const file = path.join(this.#spool, `${name}.partial`);
    if (!(await stat(file).catch(() => undefined))?.size) return;
    if (!all && this.#now() - this.#lastPartialMs < PARTIAL_EVERY_MS) return;
    if (this.#open?.name !== name) this.#open = new OpenSegment(name, file, this.#settings.segmentSizeBytes);
    const open = this.#open;
    await open.advance().catch((error: unknown) => {
      // pg_receivewal closed it in this moment: it comes whole the next time.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    });
    const lsn = startOfSegment(name, this.#settings.segmentSizeBytes) + BigInt(open.end);
    if (open.end === 0 || lsn <= (this.#uploadedTo.get(name) ?? (await this.#newestStored(name)))) return;
    this.#lastPartialMs = this.#now();
    await this.#store(open, lsn);
    this.done.partials += 1;
    this.done.endLsn = lsn;
    this.#uploadedTo.set(name, lsn);
    for (const older of await listPartials(this.#repository, name.slice(0, 8))) {
      if (older.name === name && older.lsn < lsn) await this.#repository.store.delete(older.key);
    }
  }

  async #newestStored(name: string): Promise<Lsn> {
    const partials = await listPartials(this.#repository, name.slice(0, 8));
    const newest = partials.findLast((partial) => partial.name === name)?.lsn ?? 0n;
    this.#uploadedTo.set(name, newest);
    return newest;
  }

  async #store(open: OpenSegment, lsn: Lsn): Promise<void> {
    const { segmentSizeBytes } = this.#settings;
    const wal = { name: open.name, timeline: timelineName(timelineNumber(open.name)) };
    const fault = faultOfSegment(wal, open.header, segmentSizeBytes, this.#settings);
    if (fault) throw new StructdbError(fault.code, `The WAL segment ${open.name} ${fault.what}; it was not archived.`);
    const { store } = this.#repository;
    const { packed, sha256 } = await open.beginning();
    const key = partialKey(this.#repository, open.name, lsn, walSuffix(store));
    const body = store.sealing ? await store.sealing.sealBuffer(packed) : packed;
    if (await store.putIfAbsent(key, body, { plainSha256: sha256 })) return;
    const noted = await store.plainSha256(key);
    if (noted === undefined || noted === sha256) return;
    throw new StructdbError('WAL_CONFLICT', `${store.location} has ${key} already, with another content.`, {
      hint: 'Two servers stream into one place. Look before you move it away; nothing was overwritten.',
    });
  }
}

function isSegment(name: string): boolean {
  return /^[0-9A-F]{24}$/.test(name);
}

function isOpen(name: string): boolean {
  return /^[0-9A-F]{24}\.partial$/.test(name);
}

function isHistory(name: string): boolean {
  return /^[0-9A-F]{8}\.history$/.test(name);
}
