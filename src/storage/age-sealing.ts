import { readFile } from 'node:fs/promises';
import { codeOf, messageOf, StructdbError } from '../core/errors.ts';
import { rememberSecret } from '../core/redact.ts';
import { filterThrough, findFilter } from '../programs/filter.ts';
import { keyMissing, NO_IDENTITY, type Sealing, type SealingSettings } from './sealing.ts';

export interface SealingOptions extends SealingSettings {
  /** PATH, where the `age` program is looked for first. */
  readonly searchPath?: string | undefined;
  /** False: npm's library even where the program is there. */
  readonly useProgram?: boolean | undefined;
}

/** One way of doing it: the `age` program, or npm's library where that is missing. Both read what the other wrote. */
export interface AgeEngine {
  encrypt(plain: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array>;
  decrypt(sealed: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array>;
}

/** What the format adds: 16 bytes to each 64 KiB, and a header with some 200 bytes for each recipient. */
const CHUNK_BYTES = 64 * 1024;
const CHUNK_TAG_BYTES = 16;
const HEADER_BYTES = 512;
const RECIPIENT_BYTES = 256;

/**
 * Encryption for the recipients. An identity file that is not there, or that this user may not read, counts as none: one
 * configuration serves the host and the server's user that archive, who must not have the secret key, and whoever restores.
 * @throws KEY_WRONG for a file that holds no identity
 */
export async function openSealing(options: SealingOptions): Promise<Sealing> {
  const { recipients, identityFile, searchPath, useProgram = true } = options;
  const { identities, lacking } = await findIdentities(identityFile);
  const program = useProgram ? await findFilter('age', searchPath) : undefined;
  const engine = program
    ? programEngine(program, recipients, identities && identityFile)
    : await libraryEngine(recipients, identities);
  const unsealing = (): AgeEngine => {
    if (identities) return engine;
    throw keyMissing('What is read', { lacking });
  };
  return Object.freeze({
    settings: Object.freeze({ recipients, ...(identityFile === undefined ? {} : { identityFile }) }),
    canUnseal: identities !== undefined,
    lacking,
    seal: (plain: AsyncIterable<Uint8Array>) => engine.encrypt(plain),
    unseal: (sealed: AsyncIterable<Uint8Array>) => translated(unsealing().decrypt(sealed), identityFile),
    sealBuffer: (plain: Uint8Array) => {
      const tags = Math.ceil(plain.length / CHUNK_BYTES + 1) * CHUNK_TAG_BYTES;
      const room = plain.length + tags + HEADER_BYTES + RECIPIENT_BYTES * recipients.length;
      return collect(engine.encrypt(slices(plain)), room);
    },
    unsealBuffer: async (sealed: Uint8Array) =>
      collect(translated(unsealing().decrypt(slices(sealed)), identityFile), sealed.length),
  });
}

async function findIdentities(
  file: string | undefined,
): Promise<{ readonly identities?: string[]; readonly lacking?: string }> {
  if (file === undefined) return { lacking: NO_IDENTITY };
  try {
    const identities = await readIdentities(file);
    return identities ? { identities } : { lacking: `there is no identity file ${file}` };
  } catch (error) {
    if (!(error instanceof StructdbError) || error.code !== 'KEY_MISSING') throw error;
    return { lacking: `the identity file ${file} cannot be read: ${messageOf(error.cause)}` };
  }
}

/**
 * The lines of an identity file that hold secret keys; undefined when there is no such file.
 * @throws KEY_WRONG when it holds none, KEY_MISSING when it cannot be read
 */
export async function readIdentities(file: string): Promise<string[] | undefined> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    if (codeOf(cause) === 'ENOENT') return undefined;
    throw new StructdbError('KEY_MISSING', `Cannot read the identity file ${file}: ${messageOf(cause)}.`, { cause });
  });
  if (text === undefined) return undefined;
  const identities = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line.startsWith('AGE-SECRET-KEY-'));
  for (const identity of identities) rememberSecret(identity);
  if (identities.length > 0) return identities;
  throw new StructdbError('KEY_WRONG', `${file} holds no age identity ("AGE-SECRET-KEY-1…").`, {
    hint: 'Make one with: age-keygen -o <file>  (a file that is itself encrypted must be decrypted first)',
  });
}

/** 1.3 GB/s. The public keys may be seen in the list of processes; the secret one stays in its file. */
function programEngine(path: string, recipients: readonly string[], identityFile: string | undefined): AgeEngine {
  const to = recipients.flatMap((recipient) => ['--recipient', recipient]);
  return {
    encrypt: (plain) => filterThrough({ path, args: ['--encrypt', ...to], doing: 'Encrypting' }, plain),
    decrypt: (sealed) => {
      const args = ['--decrypt', '--identity', identityFile!];
      return filterThrough({ path, args, doing: 'Decrypting' }, sealed);
    },
  };
}

/** 80 MB/s; loaded only where it is used. */
async function libraryEngine(
  recipients: readonly string[],
  identities: readonly string[] | undefined,
): Promise<AgeEngine> {
  const { Decrypter, Encrypter } = await import('age-encryption');
  const encrypter = new Encrypter();
  for (const recipient of recipients) encrypter.addRecipient(recipient);
  const decrypter = new Decrypter();
  for (const identity of identities ?? []) decrypter.addIdentity(identity);
  return {
    encrypt: (plain) => through(plain, (stream) => encrypter.encrypt(stream)),
    decrypt: (sealed) => through(sealed, (stream) => decrypter.decrypt(stream)),
  };
}

/** @throws PROGRAM_FAILED for what the library throws, and whatever the source throws */
async function* through(
  source: AsyncIterable<Uint8Array>,
  work: (stream: ReadableStream<Uint8Array>) => Promise<ReadableStream<Uint8Array>>,
): AsyncGenerator<Uint8Array> {
  let failure: { readonly error: unknown } | undefined;
  const watched = async function* () {
    try {
      yield* source;
    } catch (error) {
      failure = { error };
      throw error;
    }
  };
  try {
    yield* (await work(ReadableStream.from(watched()) as ReadableStream<Uint8Array>)) as AsyncIterable<Uint8Array>;
  } catch (cause) {
    if (failure) throw failure.error;
    const why = messageOf(cause);
    throw new StructdbError('PROGRAM_FAILED', `age-encryption failed: ${why}.`, { cause, details: [why] });
  }
}

/** Errors of decryption as StructdbErrors; what the source throws passes through. */
async function* translated(
  plain: AsyncIterable<Uint8Array>,
  identityFile: string | undefined,
): AsyncGenerator<Uint8Array> {
  try {
    yield* plain;
  } catch (cause) {
    if (!(cause instanceof StructdbError) || cause.code !== 'PROGRAM_FAILED') throw cause;
    const [why = ''] = cause.details;
    // The program and the library say it alike.
    if (why.includes('no identity matched')) {
      throw new StructdbError('KEY_WRONG', `The identity in ${identityFile} cannot decrypt what was read.`, {
        cause,
        hint: 'It was encrypted for another key: name the identity file that belongs to the recipients of the store.',
      });
    }
    if (why === '' || why.includes('failed to open file')) throw cause;
    throw new StructdbError('OBJECT_CORRUPT', `What was read was altered: it cannot be decrypted (${why}).`, { cause });
  }
}

async function* slices(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let offset = 0; offset < bytes.length; offset += CHUNK_BYTES) yield bytes.subarray(offset, offset + CHUNK_BYTES);
}

/** Gathers chunks in one buffer that is known to be large enough: twice the memory would be too much for a `wal push`. */
async function collect(chunks: AsyncIterable<Uint8Array>, room: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafeSlow(room);
  let filled = 0;
  for await (const chunk of chunks) {
    buffer.set(chunk, filled);
    filled += chunk.length;
  }
  return buffer.subarray(0, filled);
}
