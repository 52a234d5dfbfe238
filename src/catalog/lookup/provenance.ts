import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type pg from 'pg';
import type { ConnectionSettings } from '../../config/connection.ts';
import type { RunContext } from '../../core/context.ts';
import { withClient } from '../../postgres/connect.ts';
import { profiles } from '../../postgres/profiles.ts';
import { checkPreconditions } from '../load/preconditions.ts';
import type { EditionCount } from '../result.ts';
import { shippedCatalogs } from '../shipped.ts';
import { type ImportRecord, readableBooks, readImports } from './imports.ts';
import { readEditions, type StoredEdition } from './list.ts';
import { listReleases, type StoredRelease } from './versions.ts';

/** An edition in the database, and what brought it. */
export interface SourcedEdition extends StoredEdition {
  /** The newest import of a file that names it; null where none is recorded. */
  readonly import: ImportRecord | null;
  /** The migration that brought rows of it; null where none did. */
  readonly migration: string | null;
}

export interface Provenance {
  readonly editions: readonly SourcedEdition[];
  /** Rows in use, of all editions. */
  readonly rows: number;
  readonly releases: readonly StoredRelease[];
  /** The catalogs that ship whose very bytes were imported: what can be compared with the database at any time. */
  readonly shippedFiles: readonly string[];
}

/** So many imports are looked through; an edition whose last one is older counts as not recorded. */
const MOST_IMPORTS = 1000;

/** Every edition with the import or the migration behind it. @throws SCHEMA_MISSING, PERMISSION_DENIED */
export async function catalogProvenance(
  options: Readonly<{ connection: ConnectionSettings }>,
  context: RunContext,
): Promise<Provenance> {
  return withClient(options.connection, profiles.probe, context, async (client) => {
    await checkPreconditions(client, { dryRun: true });
    const stored = await readEditions(client);
    const imports = await readImports(client, { limit: MOST_IMPORTS });
    const seeds = await seededEditions(client);
    const editions = stored.map((edition) => ({
      ...edition,
      import: imports.find((one) => one.editions.some((named) => isSame(named, edition))) ?? null,
      migration: seeds.find((seed) => isSame(seed, edition))?.migration ?? null,
    }));
    return {
      editions,
      rows: editions.reduce((sum, { rows }) => sum + rows, 0),
      releases: await listReleases(client, context.clock.now().toISOString().slice(0, 10)),
      shippedFiles: await importedShipped(new Set(imports.map(({ sha256 }) => sha256))),
    };
  });
}

type Named = Pick<EditionCount, 'standard' | 'edition' | 'unitSystem' | 'variant'>;

function isSame(a: Named, b: Named): boolean {
  return (
    a.standard === b.standard && a.edition === b.edition && a.unitSystem === b.unitSystem && a.variant === b.variant
  );
}

/** Null of a reference, which has no unit system; and only shapes are divided by variants. */
async function seededEditions(client: pg.Client): Promise<(Named & { readonly migration: string })[]> {
  if (!(await readableBooks(client)).has('seeded_rows')) return [];
  const { rows } = await client.query<Named & { migration: string }>(
    `select distinct migration, row_as_inserted ->> 'standard' as standard, row_as_inserted ->> 'edition' as edition,
      row_as_inserted ->> 'unit_system' as "unitSystem",
      case row_as_inserted ->> 'kind' when 'shape' then row_as_inserted ->> 'variant' end as variant
    from structdb.seeded_rows where table_name in ('material_catalog', 'code_references')`,
  );
  return rows;
}

async function importedShipped(hashes: ReadonlySet<string>): Promise<string[]> {
  const imported: string[] = [];
  for (const file of shippedCatalogs()) {
    const content = await readFile(file).catch(() => undefined);
    if (content && hashes.has(createHash('sha256').update(content).digest('hex'))) imported.push(file);
  }
  return imported;
}
