import { StructdbError } from '../core/errors.ts';

/**
 * Encryption in the age format (age-encryption.org/v1): the recipients' public keys encrypt, an identity decrypts, and
 * so does the stock `age -d`. Manifests, leases, evidence and repository.json stay plain: the catalogue can be read,
 * verified and pruned without a key.
 */
export interface Sealing {
  readonly settings: SealingSettings;
  seal(plain: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array>;
  /** @throws KEY_MISSING without an identity, KEY_WRONG */
  unseal(sealed: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array>;
  sealBuffer(plain: Uint8Array): Promise<Buffer>;
  /** @throws KEY_MISSING without an identity, KEY_WRONG */
  unsealBuffer(sealed: Uint8Array): Promise<Buffer>;
  /** Whether there is an identity: without one, backups can be written and verified but not restored. */
  readonly canUnseal: boolean;
  /** Why there is none, as the end of a sentence. */
  readonly lacking?: string | undefined;
}

/** How another process seals and unseals the same way. */
export interface SealingSettings {
  /** Public keys: `age1…`. */
  readonly recipients: string[];
  /** A file with the secret key. */
  readonly identityFile?: string | undefined;
}

/** Ending of the names of encrypted objects. */
export const SEALED_SUFFIX = '.age';

export const NO_IDENTITY = 'no identity was given';

/** Nothing can be decrypted of what is read from `what`. */
export function keyMissing(what: string, sealing: Pick<Sealing, 'lacking'> | undefined): StructdbError {
  return new StructdbError('KEY_MISSING', `${what} is encrypted, and ${sealing?.lacking ?? NO_IDENTITY}.`, {
    hint: 'Name the age identity file: --identity <file>',
  });
}
