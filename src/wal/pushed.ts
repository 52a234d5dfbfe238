import { createHash } from 'node:crypto';
import { closeSync, openSync, statSync } from 'node:fs';
import { link, mkdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type ArchiveSettings, pushedDirectory } from '../repository/archive-settings.ts';
import { parseJson } from '../repository/repository.ts';
import { timelineName, timelineNumber } from '../repository/wal-names.ts';
import { isHeld } from './held-folder.ts';

/** What is remembered of a file that is durable in the store already: exactly this content. */
interface Marker {
  readonly sizeBytes: number;
  /** Of the plain file. */
  readonly sha256: string;
  readonly systemIdentifier: string;
  readonly timeline: string;
}

const WAIT_MS = 10_000;
const POLL_MS = 5;

/** Clocks of file systems tick ten milliseconds, and of some a second: whether a file was written to since, its time tells behind these. */
const STILL_MS = { fine: 50, whole: 2500 };

/**
 * Files that were pushed before PostgreSQL asked for them. For each there is a marker, and a second name of the file (a
 * hard link) by which `wal-push.sh` knows the very file that was made durable: the same, and not written to since. Where a
 * file on another disk cannot have it, the marker decides, which takes a Node.
 */
export class Pushed {
  readonly directory: string;
  readonly #settings: ArchiveSettings;

  constructor(settings: ArchiveSettings) {
    this.#settings = settings;
    this.directory = pushedDirectory(settings);
  }

  /**
   * Whether exactly this file was made durable before, by its marker and the checksum of its bytes now. Waits for a
   * process that is at it. A marker that says something else counts for nothing.
   */
  async has(file: string): Promise<{ readonly sha256: string } | undefined> {
    const name = path.basename(file);
    await this.#whileInWork(name);
    const marker = parseJson(await readFile(this.#marker(name)).catch(() => Buffer.alloc(0))) as Marker | undefined;
    if (!marker) return undefined;
    const content = await readFile(file);
    const found = this.#markerOf(name, content.length, createHash('sha256').update(content).digest('hex'));
    const isSame = (Object.keys(found) as (keyof Marker)[]).every((key) => marker[key] === found[key]);
    await this.forget(name);
    return isSame ? { sha256: found.sha256 } : undefined;
  }

  /** Remembers a file that is durable now; its bytes were read at `readAt` (Date.now()), after `isStill`. */
  async remember(file: string, sizeBytes: number, sha256: string, readAt: number): Promise<void> {
    const name = path.basename(file);
    const marker = this.#marker(name);
    await writeFile(marker, JSON.stringify(this.#markerOf(name, sizeBytes, sha256)), { mode: 0o600 });
    // Between the last write before the file was read and any after: what `wal-push.sh` compares the file's time with.
    const between = new Date(readAt - STILL_MS.fine / 2);
    await utimes(marker, between, between);
    await link(file, this.secondName(name)).catch(() => {});
  }

  async forget(name: string): Promise<void> {
    for (const file of [this.secondName(name), this.#marker(name)]) await rm(file, { force: true });
  }

  secondName(name: string): string {
    return path.join(this.directory, name);
  }

  /** Says that this file is being pushed; whoever wants it waits. */
  begin(name: string): void {
    closeSync(openSync(this.#inWork(name), 'w', 0o600));
  }

  async end(name: string): Promise<void> {
    await rm(this.#inWork(name), { force: true });
  }

  async ensure(): Promise<void> {
    await mkdir(this.directory, { recursive: true, mode: 0o700 });
  }

  async #whileInWork(name: string): Promise<void> {
    const deadline = Date.now() + WAIT_MS;
    while (Date.now() < deadline && (await exists(this.#inWork(name)))) {
      if (!(await isHeld(this.directory))) {
        // Left by one that was killed.
        await this.end(name);
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  #markerOf(name: string, sizeBytes: number, sha256: string): Marker {
    const timeline = timelineName(timelineNumber(name));
    return { sizeBytes, sha256, systemIdentifier: this.#settings.systemIdentifier, timeline };
  }

  #marker(name: string): string {
    return path.join(this.directory, `${name}.json`);
  }

  #inWork(name: string): string {
    return path.join(this.directory, `${name}.making`);
  }
}

/** Whether a file was not written to lately, so that its time will tell when it is written to again. */
export function isStill(file: string): boolean {
  const { mtimeNs } = statSync(file, { bigint: true });
  const still = mtimeNs % 1_000_000_000n === 0n ? STILL_MS.whole : STILL_MS.fine;
  return Number(mtimeNs / 1_000_000n) < Date.now() - still;
}

async function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}
