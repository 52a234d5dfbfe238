import { createHash, randomBytes, randomUUID } from 'node:crypto';
import type { Clock } from '../core/clock.ts';
import { messageOf, StructdbError } from '../core/errors.ts';
import { formatBytes } from '../core/units.ts';
import { readObject, type Store } from './store.ts';

/** What was tried. `conditional`: is "write only where nothing is" enforced, also for two at once. */
export type ProbeCheck = 'write' | 'read' | 'list' | 'note' | 'conditional' | 'delete' | 'leftovers' | 'clock';

export interface ProbeFinding {
  readonly check: ProbeCheck;
  readonly ok: boolean;
  /** One line. */
  readonly message: string;
  /** What to do; null where all is well. */
  readonly hint: string | null;
}

export interface StoreProbe {
  readonly location: string;
  readonly ok: boolean;
  readonly findings: readonly ProbeFinding[];
  /** How long a small conditional write and reading it took, in milliseconds; null when it failed. */
  readonly writeMs: number | null;
  readonly readMs: number | null;
  /** The store's clock minus this machine's; null when it could not be told. */
  readonly skewMs: number | null;
}

/** What a store with a good network and clock stays below. */
const TOLERATED_SKEW_MS = 60_000;
/** Uploads and temporary files of running writers are younger. */
const ABANDONED_MS = 24 * 60 * 60 * 1000;
const RACERS = 8;
const RACES = 2;

/**
 * Really uses a store: writes, reads back, lists, races, deletes, below a prefix of its own, which is empty afterwards.
 * A failure is a finding and not an error; what depends on it is not tried.
 */
export async function probeStore(store: Store, clock: Clock): Promise<StoreProbe> {
  const probe = new Probe(store, clock, `structdb-probe-${randomUUID()}/`);
  try {
    await probe.run();
  } finally {
    await probe.clean();
  }
  const { findings, writeMs, readMs, skewMs } = probe;
  return Object.freeze({
    location: store.location,
    ok: findings.every(({ ok }) => ok),
    findings: Object.freeze([...findings]),
    ...{ writeMs, readMs, skewMs },
  });
}

class Probe {
  readonly findings: ProbeFinding[] = [];
  writeMs: number | null = null;
  readMs: number | null = null;
  skewMs: number | null = null;
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #prefix: string;
  readonly #keys = new Set<string>();

  constructor(store: Store, clock: Clock, prefix: string) {
    this.#store = store;
    this.#clock = clock;
    this.#prefix = prefix;
  }

  async run(): Promise<void> {
    const key = this.#key('object');
    const body = randomBytes(1000);
    const plainSha256 = createHash('sha256').update(body).digest('hex');
    if (!(await this.#check('write', () => this.#write(key, body, plainSha256)))) return;
    await this.#check('read', () => this.#read(key, body));
    await this.#check('list', () => this.#list(key));
    await this.#check('note', () => this.#note(key, plainSha256));
    await this.#check('clock', () => this.#compareClocks(key));
    await this.#check('conditional', () => this.#race(key));
    await this.#check('delete', () => this.#delete(key));
    await this.#check('leftovers', () => this.#lookForLeftovers());
  }

  /** Whatever happened, the probe's own objects go. */
  async clean(): Promise<void> {
    for (const key of this.#keys) await this.#store.delete(key).catch(() => {});
  }

  async #check(check: ProbeCheck, work: () => Promise<Omit<ProbeFinding, 'check'>>): Promise<boolean> {
    const found = await work().catch((error: unknown) => ({
      ok: false,
      message: messageOf(error),
      hint: (error instanceof StructdbError && error.hint) || null,
    }));
    this.findings.push(Object.freeze({ check, ...found }));
    return found.ok;
  }

  async #write(key: string, body: Buffer, plainSha256: string) {
    const begin = this.#clock.monotonicMs();
    const written = await this.#store.putIfAbsent(key, body, { plainSha256 });
    this.writeMs = Math.round(this.#clock.monotonicMs() - begin);
    if (!written) return bad('A new object was said to be there already.', STRANGE);
    const streamed = await this.#store.put(this.#key('streamed'), once(body));
    if (streamed.sizeBytes !== body.length) return bad('A streamed object did not arrive whole.', STRANGE);
    return good(`An object is written in ${this.writeMs} ms`);
  }

  async #read(key: string, body: Buffer) {
    const begin = this.#clock.monotonicMs();
    const found = await readObject(this.#store, key);
    this.readMs = Math.round(this.#clock.monotonicMs() - begin);
    const range: Buffer[] = [];
    for await (const chunk of await this.#store.get(key, { start: 10, end: 19 })) range.push(chunk as Buffer);
    if (!found.equals(body)) return bad('An object came back altered.', STRANGE);
    if (!Buffer.concat(range).equals(body.subarray(10, 20))) return bad('A range came back wrong.', STRANGE);
    return good(`It comes back as it was, also in part, in ${this.readMs} ms`);
  }

  async #list(key: string) {
    const listed: string[] = [];
    for await (const object of this.#store.list(this.#prefix)) listed.push(object.key);
    return listed.includes(key) ? good('It is listed') : bad('An object that was written is not listed.', STRANGE);
  }

  async #note(key: string, plainSha256: string) {
    const noted = await this.#store.plainSha256(key);
    if (noted === plainSha256) return good('The checksum that was noted beside it is kept');
    return bad('The checksum noted beside an object is not kept.', 'WAL needs it: use a server that keeps metadata.');
  }

  async #compareClocks(key: string) {
    const found = await this.#store.head(key);
    if (!found) return bad('An object that was written is not there.', STRANGE);
    this.skewMs = found.modifiedAt.getTime() - this.#clock.now().getTime();
    // Stores tell the second only, and writing took a moment.
    const seconds = Math.round(Math.abs(this.skewMs) / 1000);
    if (Math.abs(this.skewMs) < TOLERATED_SKEW_MS) return good("Its clock and this machine's agree");
    return bad(`Its clock differs from this machine's by ${seconds} s.`, 'Set both by NTP: S3 refuses 15 minutes.');
  }

  /** Many write the same key at the same moment: exactly one may win, and its bytes must be there. */
  async #race(taken: string) {
    if (await this.#store.putIfAbsent(taken, randomBytes(10))) return overwritten();
    for (let race = 0; race < RACES; race += 1) {
      const key = this.#key(`race-${race}`);
      const bodies = Array.from({ length: RACERS }, () => randomBytes(1000));
      const won = await Promise.all(bodies.map((body) => this.#store.putIfAbsent(key, body)));
      if (won.filter(Boolean).length !== 1) return overwritten();
      if (!(await readObject(this.#store, key)).equals(bodies[won.indexOf(true)]!)) return overwritten();
    }
    return good('Nothing is overwritten, not even by writers at the same moment');
  }

  async #delete(key: string) {
    await this.#store.delete(key);
    if (await this.#store.head(key)) return bad('A deleted object is still there.', STRANGE);
    return good('It is gone when it was deleted');
  }

  async #lookForLeftovers() {
    const before = this.#clock.now().getTime() - ABANDONED_MS;
    let count = 0;
    let sizeBytes = 0;
    for await (const leftover of this.#store.leftovers?.('') ?? []) {
      if (leftover.modifiedAt.getTime() > before) continue;
      count += 1;
      sizeBytes += leftover.sizeBytes;
    }
    if (count === 0) return good('No interrupted write has left anything');
    const size = sizeBytes > 0 ? ` (${formatBytes(sizeBytes)})` : '';
    return bad(
      `${count} interrupted ${count === 1 ? 'write' : 'writes'} left something that takes space${size}.`,
      'The next backup of each kind sweeps its own; for S3 set a lifecycle rule AbortIncompleteMultipartUpload as well.',
    );
  }

  #key(name: string): string {
    const key = `${this.#prefix}${name}`;
    this.#keys.add(key);
    return key;
  }
}

const STRANGE = 'Such a store cannot be relied on: look at the server, or use another one.';

function good(message: string) {
  return { ok: true, message, hint: null };
}

function bad(message: string, hint: string) {
  return { ok: false, message, hint };
}

function overwritten() {
  return bad(
    'Writers at the same moment overwrite each other: it ignores "only where nothing is" (If-None-Match).',
    'Let one host alone write here, or use a server that enforces it (AWS, Ceph, MinIO, SeaweedFS): docs/stores.md',
  );
}

async function* once(body: Buffer): AsyncGenerator<Buffer> {
  yield body;
}
