import type { ConnectionSettings } from '../../config/connection.ts';
import type { Config } from '../../config/schema.ts';
import { baseStoreName, usedStores, walStoreName } from '../../config/store-names.ts';
import type { RunContext } from '../../core/context.ts';
import { StructdbError } from '../../core/errors.ts';
import { asStep } from '../../core/progress.ts';
import { withClient } from '../../postgres/connect.ts';
import { profiles } from '../../postgres/profiles.ts';
import type { SearchPlaces } from '../../programs/find.ts';
import type { Store } from '../../storage/store.ts';
import { checkArchiving } from './archiving.ts';
import { checkDrills, checkFreshness, checkWindow } from './backups.ts';
import { attempt, type Finding, failed } from './finding.ts';
import { askServer, checkPrivileges, judgeServer, type ServerFacts } from './server.ts';
import { checkSpace, scratchPlace } from './space.ts';
import { checkStores } from './stores.ts';
import { checkTools } from './tools.ts';

export type { Finding, Level } from './finding.ts';

export interface DoctorOptions {
  /** The way to the server, or why there is none. */
  readonly connection: ConnectionSettings | StructdbError;
  readonly places: SearchPlaces;
  readonly config: Config;
  /** Opens a store of the configuration by its name. @throws what the command line tells */
  readonly openStore: (name: string) => Promise<Store>;
}

export interface DoctorResult {
  readonly findings: readonly Finding[];
  readonly problems: number;
  readonly warnings: number;
}

export interface Doctor {
  readonly result: DoctorResult;
  readonly verdict: StructdbError | undefined;
}

/**
 * Looks at everything that backups, restores and drills stand on, by really using it: the server, its WAL archive with
 * a segment that is sent and read back, the stores with objects that are written and removed again. One check that
 * fails never keeps the others from being made. The source's tables are not touched.
 */
export async function doctor(options: Readonly<DoctorOptions>, context: RunContext): Promise<Doctor> {
  const findings: Finding[] = [];
  const look = async (what: string, work: () => Promise<readonly Finding[]>) => {
    findings.push(...(await asStep(context, `doctor.${what.toLowerCase()}`, `Looking at ${what}`, work)));
  };
  const { connection, config, openStore } = options;
  let facts: ServerFacts | undefined;
  if (connection instanceof StructdbError) findings.push(failed('server', 'connection', connection));
  else {
    await look('the server', async () => {
      const { found, about } = await checkServer(connection, options, context);
      facts = about;
      return found;
    });
  }
  const neededBytes = facts?.databaseBytes ?? 0;
  const walStore = walStoreName(config.backup);
  await look('the stores', () => checkStores(usedStores(config.backup), openStore, neededBytes, context));
  await look('the disk', () => attempt('space', 'scratch', async () => [await checkSpace(scratchPlace(neededBytes))]));
  const whose = {
    systemIdentifier: facts?.systemIdentifier ?? null,
    database: connection instanceof StructdbError ? undefined : connection.database,
  };
  await look('the backups', () => attempt('backups', 'daily', () => checkFreshness(config, whose, openStore, context)));
  const { systemIdentifier } = whose;
  const baseStore = baseStoreName(config.backup);
  if (systemIdentifier !== null) {
    await look('the recovery window', () =>
      attempt('backups', 'window', async () => {
        const stores = { base: await openStore(baseStore), wal: await openStore(walStore) };
        return checkWindow(stores, systemIdentifier, config, options.places, context);
      }),
    );
  }
  await look('the drills', () =>
    attempt('drills', 'last', async () => {
      const stores = [...new Set([config.backup.daily.store, baseStore])];
      return checkDrills(await Promise.all(stores.map(openStore)), whose, config.objectives, context);
    }),
  );
  return judge(findings);
}

async function checkServer(
  connection: ConnectionSettings,
  options: DoctorOptions,
  context: RunContext,
): Promise<{ readonly found: readonly Finding[]; readonly about: ServerFacts | undefined }> {
  let about: ServerFacts | undefined;
  const found = await attempt('server', 'connection', () =>
    withClient(connection, profiles.probe, context, async (client) => {
      const facts = await askServer(client, context);
      about = facts;
      return [
        ...judgeServer(facts, connection),
        ...(await attempt('tools', 'postgresql', () => checkTools(options.places, facts.major))),
        ...(await attempt('privileges', 'role', () =>
          checkPrivileges(client, facts, connection, needsReplication(options.config), context),
        )),
        ...(await attempt('archiving', 'round-trip', async () =>
          checkArchiving(client, facts, await options.openStore(walStoreName(options.config.backup)), context),
        )),
      ];
    }),
  );
  return { found, about };
}

/** Tiers that were asked for; the ones that are only implied are left out where the role may not. */
function needsReplication({ backup }: Config): boolean {
  return [backup.daily, backup.weekly, backup.monthly].some((tier) => tier !== undefined && tier.kind !== 'dump');
}

function judge(findings: readonly Finding[]): Doctor {
  const problems = findings.filter(({ level }) => level === 'problem');
  const warnings = findings.filter(({ level }) => level === 'warning').length;
  const result = { findings, problems: problems.length, warnings };
  if (problems.length === 0) return { result, verdict: undefined };
  const [first] = problems;
  return {
    result,
    verdict: new StructdbError(
      'UNHEALTHY',
      problems.length === 1 ? first!.message : `${problems.length} problems, the first: ${first!.message}`,
      { hint: first!.fix ?? 'See the list above.' },
    ),
  };
}
