import type pg from 'pg';
import type { ConnectionSettings } from '../config/connection.ts';
import type { RunContext } from '../core/context.ts';
import { readAppliedMigrations } from '../database/bookkeeping.ts';
import { quoteIdentifier } from '../postgres/connect.ts';
import { compileMigration } from './compile.ts';
import { type Registry, registry as shipped } from './registry.ts';
import { withMigrator } from './session.ts';

/** What goes when migrations are taken back. `rows`: of a table all, of a column those that have a value. */
export type Loss =
  | { readonly kind: 'table' | 'view'; readonly migration: string; readonly table: string; readonly rows: number }
  | {
      readonly kind: 'column';
      readonly migration: string;
      readonly table: string;
      readonly column: string;
      readonly rows: number;
    }
  | { readonly kind: 'seeds'; readonly migration: string; readonly table: string; readonly rows: number };

export interface DownPreview {
  /** The migrations that would be taken back, in that order. */
  readonly names: readonly string[];
  readonly losses: readonly Loss[];
}

/** How far down: a number of steps, or the migration that stays. */
export type DownTarget = { readonly count: number } | { readonly name: string };

/** What a `down` (or a `to` that goes down) would lose, counted now. Writes nothing. */
export function previewDown(
  {
    connection,
    target,
    registry = shipped,
  }: { readonly connection: ConnectionSettings; readonly target: DownTarget; readonly registry?: Registry },
  context: RunContext,
): Promise<DownPreview> {
  return withMigrator(connection, 0, context, async ({ client, db }) => {
    const applied = (await readAppliedMigrations(db)).map(({ name }) => name).filter((name) => name in registry);
    const names = applied.toReversed().slice(0, stepsDown(target, applied));
    const losses: Loss[] = [];
    for (const name of names) {
      const statements = await compileMigration(registry[name]!, 'down');
      for (const statement of statements) {
        const loss = lossOf(name, statement);
        // What a later migration takes back is gone before an earlier one could lose it again.
        if (loss && !losses.some((other) => describes(other, loss))) losses.push(await counted(client, loss));
      }
    }
    return { names, losses: losses.filter((loss) => !isPartOfAnother(loss, losses)) };
  });
}

/** A column or the seeds of a table that goes whole need no line of their own. */
function isPartOfAnother(loss: Loss, losses: readonly Loss[]): boolean {
  const isPart = loss.kind === 'column' || loss.kind === 'seeds';
  return isPart && losses.some(({ kind, table }) => kind === 'table' && table === loss.table);
}

function stepsDown(target: DownTarget, applied: readonly string[]): number {
  if ('count' in target) return target.count;
  const position = applied.indexOf(target.name);
  return position < 0 ? 0 : applied.length - position - 1;
}

type Uncounted = Loss extends infer Kind ? (Kind extends Loss ? Omit<Kind, 'rows'> : never) : never;

/** Read from the SQL itself: one statement does one thing. */
function lossOf(migration: string, statement: string): Uncounted | undefined {
  const name = '"?public"?\\."?(\\w+)"?';
  const [, table, column] =
    new RegExp(`^alter table ${name} drop column (?:if exists )?"?(\\w+)"?`, 'i').exec(statement) ?? [];
  if (table && column) return { kind: 'column', migration, table, column };
  const dropped = new RegExp(`^drop (table|materialized view) (?:if exists )?${name}`, 'i').exec(statement);
  if (dropped) {
    return { kind: dropped[1]!.toLowerCase() === 'table' ? 'table' : 'view', migration, table: dropped[2]! };
  }
  const deleted = new RegExp(`^delete from ${name} seeded\\b`, 'i').exec(statement);
  return deleted ? { kind: 'seeds', migration, table: deleted[1]! } : undefined;
}

function describes(a: Uncounted, b: Uncounted): boolean {
  const column = (loss: Uncounted) => ('column' in loss ? loss.column : '');
  return a.kind === b.kind && a.table === b.table && column(a) === column(b);
}

async function counted(client: pg.Client, loss: Uncounted): Promise<Loss> {
  return { ...loss, rows: await countRows(client, loss) } as Loss;
}

async function countRows(client: pg.Client, loss: Uncounted): Promise<number> {
  const { rows: present } = await client.query<{ there: boolean }>('select to_regclass($1) is not null as there', [
    loss.kind === 'seeds' ? 'structdb.seeded_rows' : `public.${loss.table}`,
  ]);
  if (!present[0]!.there) return 0;
  const what = loss.kind === 'column' ? quoteIdentifier(loss.column) : '*';
  const { rows } =
    loss.kind === 'seeds'
      ? await client.query<{ count: string }>(
          'select count(*) from structdb.seeded_rows where migration = $1 and table_name = $2',
          [loss.migration, loss.table],
        )
      : await client.query<{ count: string }>(`select count(${what}) from public.${quoteIdentifier(loss.table)}`);
  return Number(rows[0]!.count);
}
