import path from 'node:path';
import { runBackup } from '../../backup/index.ts';
import { configSchema } from '../../config/schema.ts';
import type { RunContext } from '../../core/context.ts';
import { asStep } from '../../core/progress.ts';
import { findServerPrograms } from '../../postgres/cluster.ts';
import { withClient } from '../../postgres/connect.ts';
import { profiles } from '../../postgres/profiles.ts';
import type { SearchPlaces } from '../../programs/find.ts';
import { serverUser } from '../../programs/system-user.ts';
import { openDirectoryStore } from '../../storage/directory-store.ts';
import type { Store } from '../../storage/store.ts';
import { CREATE_MARKER } from './marker.ts';
import { PrivateCluster } from './private-cluster.ts';

export interface TemplateOptions {
  readonly places: SearchPlaces;
  /** The newest that is installed by default. */
  readonly major?: number | undefined;
  /** Where the directories of a run go. */
  readonly directory: string;
  /** A new, empty store of that name; a directory below `directory` by default. */
  readonly openStore?: ((name: string) => Promise<Store>) | undefined;
}

/** A stopped cluster with two base backups in a store, from which every scenario of a run takes a copy. */
export interface Template {
  readonly options: TemplateOptions;
  readonly cluster: PrivateCluster;
  readonly store: Store;
  readonly systemIdentifier: string;
  /** Labels, the older one first. */
  readonly backups: readonly [string, string];
}

/** Makes the template: one initdb and two base backups for all scenarios of a run. */
export async function makeTemplate(options: TemplateOptions, context: RunContext): Promise<Template> {
  const programs = await findServerPrograms(
    options.places,
    options.major === undefined ? {} : { major: options.major },
  );
  const site = { programs, user: await serverUser(options.places.environment) };
  const message = `Making a private cluster of PostgreSQL ${programs.postgres.version} and its backups`;
  return asStep(context, 'scenario.template', message, async () => {
    const cluster = await PrivateCluster.at(site, path.join(options.directory, 'template'));
    try {
      await cluster.initialise(context);
      const store = await newStore(options, 'template', cluster);
      // Until its identifier is known, nothing is archived.
      await cluster.start({ archive_mode: 'off' }, context);
      const systemIdentifier = await prepare(cluster, context);
      await cluster.stop();
      await cluster.archiveInto(store.settings!, systemIdentifier);
      await cluster.start({}, context);
      const older = await backUp(cluster, store, options.places, context);
      const newer = await backUp(cluster, store, options.places, context);
      await cluster.stop();
      return Object.freeze({ options, cluster, store, systemIdentifier, backups: [older, newer] as const });
    } catch (error) {
      await cluster.remove();
      throw error;
    }
  });
}

/** A store that the server's user may archive into. */
export async function newStore(options: TemplateOptions, name: string, { site }: PrivateCluster): Promise<Store> {
  if (options.openStore) return options.openStore(name);
  return openDirectoryStore({
    path: path.join(options.directory, `${name}-store`),
    uid: options.places.environment.uid,
    owner: site.user,
  });
}

async function prepare(cluster: PrivateCluster, context: RunContext): Promise<string> {
  return withClient(cluster.connection, profiles.drill, context, async (client) => {
    await client.query(CREATE_MARKER);
    const { rows } = await client.query<{ id: string }>(
      'select system_identifier::text as id from pg_control_system()',
    );
    return rows[0]!.id;
  });
}

async function backUp(
  cluster: PrivateCluster,
  store: Store,
  places: SearchPlaces,
  context: RunContext,
): Promise<string> {
  const { environment } = places;
  const made = await runBackup(
    {
      kind: 'base',
      connection: cluster.connection,
      store,
      places,
      policy: configSchema.parse({}).backup,
      actor: { host: environment.hostName, user: environment.userName, command: 'dr-test' },
      purpose: 'scenario',
    },
    // Its steps are not what somebody waits for who breaks a cluster.
    { ...context, report: () => {} },
  );
  return made.label;
}
