import type { Readable } from 'node:stream';
import type { StoreConfig } from '../config/schema.ts';
import { StructdbError } from '../core/errors.ts';
import type { Sealing } from './sealing.ts';

/**
 * Where objects live, as small as a directory and an S3 bucket both fit: whole objects under keys such as
 * `7312…/backups/<label>/manifest.json`. Every method throws StructdbErrors only (STORE_FAILED, STORE_OWNER, DISK_FULL,
 * OBJECT_MISSING). What must not be overwritten is written with `putIfAbsent` and nothing else.
 */
export interface Store {
  /** For messages and manifests: `/backups`, `s3://bucket/prefix`. */
  readonly location: string;
  /** How what is secret in here is encrypted; undefined where it is not. The store itself moves bytes as they are. */
  readonly sealing?: Sealing | undefined;
  /** How another process opens this store, for `archive.json`; paths are absolute. */
  readonly settings?: StoreConfig | undefined;
  /** Writes a stream whole and durably, or not at all; replaces what is there. A failing stream leaves nothing behind. */
  put(key: string, body: AsyncIterable<Uint8Array>): Promise<Written>;
  /**
   * Writes a small object atomically and durably; false when the key is taken already, whatever it holds. With
   * `plainSha256`, that checksum is durable before the object is, and false also means that the note of a killed
   * writer with another content stands there.
   */
  putIfAbsent(key: string, body: Uint8Array, options?: PutIfAbsentOptions): Promise<boolean>;
  /** What `putIfAbsent` was told of the plain content; undefined when nothing is noted. The object may be absent. */
  plainSha256(key: string): Promise<string | undefined>;
  /** The object's bytes, or those of a range. @throws OBJECT_MISSING before the first byte. */
  get(key: string, range?: ByteRange): Promise<Readable>;
  /** undefined when the store says that it is not there. */
  head(key: string): Promise<StoredObject | undefined>;
  /** Every object whose key begins with the prefix, sorted by key; notes of checksums are no objects. */
  list(prefix: string): AsyncIterable<StoredObject>;
  /** Names of the next level below a prefix that ends in `/` (or is empty), sorted: the folders of a directory. */
  folders(prefix: string): Promise<string[]>;
  /** Removes the object and its note; an absent one is fine. */
  delete(key: string): Promise<void>;
  /**
   * Removes what interrupted writes left below a prefix: temporary files, unfinished multipart uploads.
   * Only for the holder of the lease that owns the prefix. Returns how many.
   */
  sweep(prefix: string): Promise<number>;
  /** What `sweep` would remove, with the time it was begun; the size is 0 where the store does not tell. */
  leftovers?(prefix: string): AsyncIterable<StoredObject>;
}

export interface PutIfAbsentOptions {
  /**
   * SHA-256 of what the object holds before compression and encryption, 64 lower-case hex digits. A directory keeps it
   * in `<key>.sha256`, S3 in the object's metadata.
   */
  readonly plainSha256?: string;
}

export interface Written {
  readonly sizeBytes: number;
  /** Of what was written, 64 lower-case hex digits. */
  readonly sha256: string;
}

export interface StoredObject {
  readonly key: string;
  readonly sizeBytes: number;
  /** By the store's clock. */
  readonly modifiedAt: Date;
}

/** Ending of a note beside an object of a directory store. */
export const NOTE_SUFFIX = '.sha256';

/** Both ends included, as in HTTP; without `end` to the end of the object. */
export interface ByteRange {
  readonly start: number;
  readonly end?: number;
}

/** Beginning of temporary names; no key part may begin with a dot, so none can be mistaken for one. */
export const TEMPORARY_PREFIX = '.structdb-tmp-';

/**
 * A key is a relative path of plain parts: no empty part, none that begins with a dot (so no `..`), no backslash or
 * control character, at most 255 bytes per part.
 * @throws INTERNAL: keys are made by src/repository, a bad one is a defect.
 */
export function requireKey(key: string): string {
  const parts = key.split('/');
  const bad = parts.some((part) => part === '' || part.startsWith('.') || Buffer.byteLength(part) > 255);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
  if (bad || /[\u0000-\u001f\u007f\\]/.test(key)) {
    throw new StructdbError('INTERNAL', `${JSON.stringify(key)} is not a key of a store.`);
  }
  return key;
}

/** A whole small object as bytes. @throws OBJECT_MISSING */
export async function readObject(store: Store, key: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of await store.get(key)) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
