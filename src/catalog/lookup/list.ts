import type pg from 'pg';
import type { ConnectionSettings } from '../../config/connection.ts';
import type { RunContext } from '../../core/context.ts';
import { withClient } from '../../postgres/connect.ts';
import { profiles } from '../../postgres/profiles.ts';
import { checkPreconditions } from '../load/preconditions.ts';
import { listReleases, type StoredRelease } from './versions.ts';

/** What is stored of one edition of a standard. References have kind `reference` and no unit system. */
export interface StoredEdition {
  readonly standard: string;
  readonly edition: string;
  readonly kind: 'shape' | 'material' | 'bolt' | 'reference';
  readonly unitSystem: 'US' | 'SI' | null;
  /** `''` for the main table of shapes, `A1085` for AISC's supplement; null where the edition is not divided. */
  readonly variant: string | null;
  /** Rows in use. */
  readonly rows: number;
  readonly retired: number;
}

export interface ListResult {
  readonly editions: readonly StoredEdition[];
  /** Rows in use, of all editions. */
  readonly rows: number;
  /** Calibration constants and prices by release, the oldest first. */
  readonly releases: readonly StoredRelease[];
}

/** The editions in the database with their counts. @throws SCHEMA_MISSING, PERMISSION_DENIED */
export async function listCatalogs(
  options: Readonly<{ connection: ConnectionSettings }>,
  context: RunContext,
): Promise<ListResult> {
  return withClient(options.connection, profiles.probe, context, async (client) => {
    await checkPreconditions(client, { dryRun: true, versions: true });
    const editions = await readEditions(client);
    const releases = await listReleases(client, context.clock.now().toISOString().slice(0, 10));
    return { editions, rows: editions.reduce((sum, edition) => sum + edition.rows, 0), releases };
  });
}

/** The same through a connection that is open already. */
export async function readEditions(client: pg.Client): Promise<StoredEdition[]> {
  return (await client.query<StoredEdition>(QUERY)).rows;
}

const QUERY = `
select standard, edition, kind, unit_system as "unitSystem",
  case kind when 'shape' then variant end as variant,
  count(*) filter (where retired_at is null)::int as rows,
  count(retired_at)::int as retired
from public.material_catalog
group by 1, 2, 3, 4, 5
union all
select standard, edition, 'reference', null, null, count(*)::int, 0
from public.code_references
group by 1, 2
order by 1, 2, 3, 5, 4 desc`;
