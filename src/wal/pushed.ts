import { createHash } from 'node:crypto';
import { mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
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

/**
 * Files that were pushed before PostgreSQL asked for them. For each there is a marker, and, while few wait, a copy of
 * the very bytes that were made durable: `wal-push.sh` compares it with the file and needs no Node for that.
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

  /** Remembers a file that is durable now. */
  async remember(name: string, content: Buffer, sha256: string): Promise<void> {
    await writeFile(this.#marker(name), JSON.stringify(this.#markerOf(name, content.length, sha256)), { mode: 0o600 });
    // Renamed when whole: a copy that was cut would only differ, but another name costs nothing.
    const temporary = `${this.copy(name)}.new`;
    try {
      await writeFile(temporary, content, { mode: 0o600 });
      await rename(temporary, this.copy(name));
    } catch {
      // No space for a copy: then the marker alone has to do.
      await rm(temporary, { force: true });
    }
  }

  async forget(name: string): Promise<void> {
    for (const file of [this.copy(name), this.#marker(name)]) await rm(file, { force: true });
  }

  copy(name: string): string {
    return path.join(this.directory, name);
  }

  /** Says that this file is being pushed; whoever wants it waits. */
  async begin(name: string): Promise<void> {
    await (await open(this.#inWork(name), 'w', 0o600)).close();
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

async function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}
