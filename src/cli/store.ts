import path from 'node:path';
import type { Command } from 'commander';
import type { StoreConfig } from '../config/schema.ts';
import { walStoreName } from '../config/store-names.ts';
import { StructdbError } from '../core/errors.ts';
import { rememberSecret } from '../core/redact.ts';
import type { Actor } from '../repository/holder.ts';
import type { S3Credentials } from '../storage/s3-store.ts';
import type { Store } from '../storage/store.ts';
import type { Session } from './session.ts';

/** Adds --store. */
export function addStoreOption(command: Command): Command {
  return command.option('--store <name>', 'the store of the configuration (that of the daily backup by default)');
}

/** Adds --identity: whatever reads contents takes it. */
export function addIdentityOption(command: Command): Command {
  return command.option('--identity <file>', 'the age identity that decrypts, where the store is encrypted');
}

/**
 * The store of that name (the daily tier's by default). Without one named `local` in the configuration it is the
 * one beside the private server. A store that root makes belongs to the server's user, which archives into it.
 * `identity` is a file with the secret key, before that of the configuration.
 * @throws USAGE for a name that the configuration does not have; KEY_MISSING, KEY_WRONG for a useless --identity
 */
export async function openStore(session: Session, name?: string, identity?: string): Promise<Store> {
  const config = await session.config();
  const wanted = name ?? config.backup.daily.store;
  const settings = config.stores[wanted];
  if (!settings && wanted === 'local') {
    const { openLocalStore } = await import('../devdb/index.ts');
    return openLocalStore(session.project.root, session.environment);
  }
  if (!settings) {
    throw new StructdbError('USAGE', `There is no store named "${wanted}".`, {
      hint: `Name one of: ${[...new Set(['local', ...Object.keys(config.stores)])].join(', ')}`,
    });
  }
  const { openStoreOf } = await import('../storage/open-store.ts');
  const { serverUser } = await import('../programs/system-user.ts');
  return openStoreOf(await resolved(session, settings, identity), {
    uid: session.environment.uid,
    owner: await serverUser(session.environment).catch(() => undefined),
    searchPath: session.environment.variables.PATH,
    s3Credentials: credentialsOf(session),
  });
}

/** The directories of all stores of the project that are directories, the one beside the private server among them. */
export async function storeDirectories(session: Session): Promise<string[]> {
  const { stores } = await session.config();
  const directories = Object.values(stores).flatMap((store) =>
    store.type === 'directory' ? [path.resolve(session.project.root, store.path)] : [],
  );
  return stores.local ? directories : [...directories, (await openStore(session, 'local')).location];
}

/** The settings of the store that the configuration wants WAL in; undefined: beside the private server. */
export async function configuredWalStore(session: Session): Promise<StoreConfig | undefined> {
  const { backup, stores } = await session.config();
  const name = walStoreName(backup);
  return name in stores ? (await openStore(session, name)).settings : undefined;
}

/** With absolute paths, and the identity that was named on the command line: enough to read, also where no key is configured. */
async function resolved(session: Session, settings: StoreConfig, identity: string | undefined): Promise<StoreConfig> {
  const { project, environment } = session;
  const given = identity === undefined ? undefined : path.resolve(environment.workingDirectory, identity);
  if (given !== undefined) await requireIdentity(given);
  const configured = settings.encryption?.identityFile && path.resolve(project.root, settings.encryption.identityFile);
  const identityFile = given ?? configured;
  const encryption =
    settings.encryption || given !== undefined
      ? { recipients: settings.encryption?.recipients ?? [], identityFile }
      : undefined;
  if (settings.type === 'directory')
    return { ...settings, path: path.resolve(project.root, settings.path), encryption };
  return { ...settings, profile: settings.profile ?? (environment.variables.AWS_PROFILE || undefined), encryption };
}

/** A file named on the command line must be there; one of the configuration may be missing on the host that backs up. */
async function requireIdentity(file: string): Promise<void> {
  const { readIdentities } = await import('../storage/age-sealing.ts');
  if (await readIdentities(file)) return;
  throw new StructdbError('KEY_MISSING', `There is no identity file ${file}.`, {
    hint: 'Name the file that age-keygen wrote: --identity <file>',
  });
}

/** The variables of the AWS SDK may also stand in `.env`, which the SDK does not read. */
function credentialsOf({ environment }: Session): S3Credentials | undefined {
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN } = environment.variables;
  if (!AWS_ACCESS_KEY_ID || !AWS_SECRET_ACCESS_KEY) return undefined;
  rememberSecret(AWS_SECRET_ACCESS_KEY);
  rememberSecret(AWS_SESSION_TOKEN);
  return { accessKeyId: AWS_ACCESS_KEY_ID, secretAccessKey: AWS_SECRET_ACCESS_KEY, sessionToken: AWS_SESSION_TOKEN };
}

/** Who runs the command, for leases and manifests. */
export function actorOf(session: Session, command: string): Actor {
  return { host: session.environment.hostName, user: session.environment.userName, command };
}
