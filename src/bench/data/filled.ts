import type { ConnectionSettings } from '../../config/connection.ts';
import type { RunContext } from '../../core/context.ts';
import type { Registry } from '../../migrate/index.ts';
import { readAfterLoad } from './after-load.ts';
import { fingerprintData } from './fingerprint.ts';
import { prepare } from './prepare.ts';
import { type Workspace, withWorkspace } from './workspace.ts';

export interface FilledOptions {
  readonly connection: ConnectionSettings;
  readonly into?: string;
  readonly projects: number;
  readonly seed: number;
  readonly keep: boolean;
  /** Sizes that are filled while this one is there, one after the other: there must be room for them from the start. */
  readonly later?: readonly number[];
  /** Never one that was kept. */
  readonly fresh?: boolean;
  /** The migrations; those that ship by default. */
  readonly registry?: Registry;
  /** SQL that is run after loading, to try a change of the schema. */
  readonly afterLoad?: string;
  /** What a suite wants besides: its statements, and what runs them. */
  readonly setUp: readonly string[];
  readonly runSetUp: (connection: ConnectionSettings) => Promise<void>;
}

/** A database filled with so many projects, for as long as the work lasts. @throws as withWorkspace and prepare do */
export async function withFilled<T>(
  options: FilledOptions,
  context: RunContext,
  work: (workspace: Workspace, fingerprint: string) => Promise<T>,
): Promise<T> {
  const { connection, into, projects, seed, keep, later = [], fresh = false, registry, setUp, runSetUp } = options;
  const afterLoad = readAfterLoad(options.afterLoad ?? '');
  const data = { projects, seed, afterLoad, ...(registry === undefined ? {} : { registry }) };
  const fingerprint = await fingerprintData(data, setUp);
  const more = await Promise.all(
    later.map(async (size) => ({
      projects: size,
      fingerprint: await fingerprintData({ ...data, projects: size }, setUp),
    })),
  );
  const fill = async (workspace: ConnectionSettings, migrated?: () => Promise<void>) => {
    const rows = await prepare(workspace, { ...data, ...(migrated && { migrated }) }, context);
    await runSetUp(workspace);
    return rows;
  };
  const place = { ...(into === undefined ? {} : { into }), ...(registry === undefined ? {} : { registry }) };
  const wanted = { ...place, projects, seed, fingerprint, keep, later: more, fresh, fill };
  return withWorkspace(connection, wanted, context, (workspace) => work(workspace, fingerprint));
}
