import type pg from 'pg';
import type { RunContext } from '../../core/context.ts';
import { type RelationName, writeName } from '../relation-name.ts';
import type { DroppedKind, DroppedName, EmptiedTable, PossibleAction } from './down-actions.ts';
import { emptiedAlong } from './emptied-along.ts';
import { LiveNames, type LiveRelation, type ObjectAddress } from './live-names.ts';
import type { Loss } from './loss.ts';
import { type CountedRelation, RowCounter } from './row-count.ts';
import { type TakenObject, takenAlong } from './taken-along.ts';

/** Where an action stands. */
export interface ActionPlace {
  readonly migration: string;
  /** From 1. */
  readonly statement: number;
}

type LossOrigin = Pick<Loss, 'migration' | 'perhaps'>;

interface FoundLoss {
  readonly loss: Loss;
  readonly key?: string;
  /** The table that a column, rows or a foreign key are of: when it goes whole, they need no line of their own. */
  readonly partOf?: number;
  /** Of a view, its name: a migration that makes it again takes nothing away. */
  readonly place?: string;
}

/** structdb's own memory of what a migration found and seeded: not a loss of the user's. */
const OWN_MEMORY: ReadonlySet<string> = new Set(['structdb.migration_memory', 'structdb.seeded_rows']);

/** Follows the actions of a way down and gathers what they lose of what the database has now. */
export class DownLosses {
  readonly #client: pg.Client;
  readonly #counter: RowCounter;
  readonly #names: LiveNames;
  /** Relations that are gone by now. */
  readonly #goneRelations: Set<number>;
  /** All that was told, so that nothing is told twice; true where a DO block decides. */
  readonly #seen = new Map<string, boolean>();
  /** Views that the migration has made (again). */
  readonly #made = new Set<string>();
  /** Views that a migration has put another in the place of; an earlier one may drop that. */
  readonly #replaced = new Map<string, Loss>();
  #found: FoundLoss[] = [];
  #ofMigration: FoundLoss[] = [];

  private constructor(client: pg.Client, counter: RowCounter, names: LiveNames, gone: Set<number>) {
    this.#client = client;
    this.#counter = counter;
    this.#names = names;
    this.#goneRelations = gone;
  }

  /** `countLimitMs` as RowCounter takes it. */
  static async open(client: pg.Client, context: RunContext, countLimitMs: number | undefined): Promise<DownLosses> {
    const gone = new Set<number>();
    const names = await LiveNames.open(client, (oid) => gone.has(oid));
    return new DownLosses(client, new RowCounter(client, context, countLimitMs), names, gone);
  }

  endMigration(): void {
    for (const found of this.#ofMigration) {
      if (found.place !== undefined && this.#made.has(found.place)) this.#replaced.set(found.place, found.loss);
      else this.#found.push(found);
    }
    this.#ofMigration = [];
    this.#made.clear();
    this.#names.endMigration();
  }

  told(): readonly Loss[] {
    return this.#found
      .filter(({ partOf }) => partOf === undefined || !this.#goneRelations.has(partOf))
      .map(({ loss }) => loss);
  }

  async take(action: PossibleAction, at: ActionPlace): Promise<void> {
    const of = { migration: at.migration, ...(action.perhaps ? { perhaps: true as const } : {}) };
    const unknown = (what: string) => {
      if (this.#isNew(`unknown ${what} ${at.migration} ${at.statement}`, {})) {
        this.#push({ ...at, kind: 'unknown', what });
      }
    };
    switch (action.does) {
      case 'drop': {
        const roots: ObjectAddress[] = [];
        for (const object of action.objects) {
          const found = await this.#addressesOf(action.kind, object);
          if (action.kind === 'relation') this.#dropReplaced(object, of);
          if (found.length > 1 && action.cascade) unknown(`DROP ${writeName(object)} CASCADE`);
          if (found.length === 1) roots.push(found[0]!);
        }
        // A type or a function alone, or an empty schema, holds nothing of anybody's.
        const holds = action.kind === 'extension' || action.kind === 'relation';
        const tellsNamed = holds || (action.kind === 'schema' && action.cascade);
        await this.#drop(roots, action.cascade, of, tellsNamed);
        return;
      }
      case 'drop column': {
        const relation = await this.#names.relation(action.relation);
        const column = relation && this.#names.column(relation, action.column);
        const address = relation && (await this.#names.columnAddress(relation, column!));
        if (relation === undefined || address === undefined) return;
        const key = `column ${relation.oid} ${column}`;
        if (this.#isNew(key, of)) {
          const rows = await this.#counter.valuesOf(relation, column!, { only: action.only });
          this.#push(
            { ...of, kind: 'column', table: shown(relation), column: written(column!), ...rows },
            { partOf: relation.oid, key },
          );
        }
        await this.#drop([address], action.cascade, of, false);
        return;
      }
      case 'drop constraint': {
        const relation = await this.#names.relation(action.relation);
        if (relation) await this.#drop(await this.#names.constraint(relation, action.constraint), true, of, false);
        return;
      }
      case 'truncate': {
        const tables = await this.#tables(action.tables);
        for (const { relation, only } of tables) await this.#empty('emptied', relation, only, of);
        if (!action.cascade) return;
        const along = await emptiedAlong(
          this.#client,
          tables.map(({ relation }) => relation.oid),
          'truncate',
        );
        for (const relation of along) await this.#empty('emptied', relation, false, of, true);
        return;
      }
      case 'delete': {
        if (OWN_MEMORY.has(writeName(action.relation))) return;
        const [table] = await this.#tables([action]);
        if (table === undefined) return;
        if (action.seeds) return this.#unseed(table.relation, of);
        await this.#empty('deleted', table.relation, table.only, of);
        for (const relation of await emptiedAlong(this.#client, [table.relation.oid], 'delete')) {
          await this.#empty('deleted', relation, false, of, true);
        }
        return;
      }
      case 'rename':
        return this.#makes(await this.#names.rename(action.relation, action.to));
      case 'move':
        return this.#makes(await this.#names.move(action.relation, action.to));
      case 'make':
        return this.#makes(await this.#names.make(action.relation));
      case 'rename column':
        return this.#names.renameColumn(action.relation, action.from, action.to);
      case 'rename schema':
        return this.#names.renameSchema(action.from, action.to);
      case 'set path':
        return this.#names.setPath(action.schemas, action.local);
      case 'call':
        for (const name of await this.#names.writers(action.routines)) unknown(`function ${name}`);
        return;
      case 'anything':
        return unknown(action.what);
    }
  }

  #dropReplaced(name: RelationName, of: LossOrigin & { readonly cascade?: true }): void {
    const place = this.#names.place(name);
    // What an earlier statement made is not there yet: a name that is free again.
    this.#made.delete(place);
    const loss = this.#replaced.get(place);
    if (loss === undefined) return;
    this.#replaced.delete(place);
    const { perhaps: _, ...whole } = loss;
    this.#push({ ...whole, ...of } as Loss, { place });
  }

  #makes(place: string | undefined): void {
    if (place !== undefined) this.#made.add(place);
  }

  async #addressesOf(kind: DroppedKind, name: DroppedName): Promise<ObjectAddress[]> {
    switch (kind) {
      case 'schema':
        return this.#names.schema(name.name);
      case 'extension':
        return this.#names.extension(name.name);
      case 'type':
        return this.#names.type(name);
      case 'routine':
        return this.#names.routine(name);
      case 'relation': {
        const found = await this.#names.relation(name);
        return found === undefined ? [] : [{ catalog: 'pg_class', oid: found.oid, part: 0 }];
      }
    }
  }

  async #drop(roots: readonly ObjectAddress[], cascade: boolean, of: LossOrigin, tellsNamed: boolean): Promise<void> {
    for (const taken of await takenAlong(this.#client, roots, cascade)) {
      const isWhole = taken.kind !== 'column' && taken.kind !== 'foreign key' && taken.kind !== 'object';
      if (isWhole && !of.perhaps) this.#goneRelations.add(taken.oid);
      if (taken.kind === 'partition' || (taken.named && !tellsNamed)) continue;
      const key = `${taken.kind} ${taken.oid}${taken.part === null ? '' : ` ${taken.part}`}`;
      if (!this.#isNew(key, of)) {
        if (!taken.named && isWhole) this.#dropReplaced(taken, { ...of, cascade: true });
        continue;
      }
      await this.#tell(taken, { ...of, ...(taken.named ? {} : { cascade: true as const }) }, key);
    }
  }

  async #tell(taken: TakenObject, of: LossOrigin & { readonly cascade?: true }, key: string): Promise<void> {
    const table = shown(taken);
    switch (taken.kind) {
      case 'partition':
        return;
      case 'table':
      case 'materialised view': {
        const rows = taken.filled ? await this.#counter.rowsOf(taken, { only: !taken.partitioned }) : { rows: 0 };
        const place = taken.kind === 'table' ? {} : { place: this.#names.place(taken) };
        return this.#push({ ...of, kind: taken.kind, table, ...rows }, { key, ...place });
      }
      case 'view':
        return this.#push({ ...of, kind: 'view', table }, { key, place: this.#names.place(taken) });
      case 'foreign table':
        return this.#push({ ...of, kind: 'foreign table', table }, { key });
      case 'column': {
        const rows = await this.#counter.valuesOf(taken, taken.part!, { only: !taken.partitioned });
        return this.#push(
          { ...of, kind: 'column', table, column: written(taken.part!), ...rows },
          { key, partOf: taken.oid },
        );
      }
      case 'foreign key':
        return this.#push(
          { ...of, kind: 'foreign key', table, name: written(taken.part!) },
          { key, partOf: taken.oid },
        );
      case 'object':
        // A sequence that is dropped by name: its numbers begin anew with its up.
        if (taken.named && taken.what === 'sequence') return;
        return this.#push({ ...of, kind: 'object', what: taken.what, name: taken.part! }, { key });
    }
  }

  async #tables(
    tables: readonly EmptiedTable[],
  ): Promise<{ readonly relation: LiveRelation; readonly only: boolean }[]> {
    const found = [];
    for (const { relation, only } of tables) {
      const live = await this.#names.relation(relation);
      if (live !== undefined) found.push({ relation: live, only });
    }
    return found;
  }

  async #empty(
    kind: 'emptied' | 'deleted',
    relation: CountedRelation & { readonly kind?: string },
    only: boolean,
    of: LossOrigin,
    cascade = false,
  ): Promise<void> {
    const key = `${kind} ${relation.oid}`;
    // What is empty already cannot lose rows again.
    if (kind === 'deleted' && this.#seen.get(`emptied ${relation.oid}`) === false) return;
    if (this.#goneRelations.has(relation.oid) || !this.#isNew(key, of)) return;
    const rows = await this.#counter.rowsOf(relation, { only });
    const loss: Loss = { ...of, ...(cascade ? { cascade: true } : {}), kind, table: shown(relation), ...rows };
    // The rows of a view are another table's, and go whether the view goes or not.
    this.#push(loss, relation.kind === 'v' ? { key } : { key, partOf: relation.oid });
  }

  async #unseed(relation: LiveRelation, of: LossOrigin): Promise<void> {
    if (!this.#isNew(`seeds ${of.migration} ${relation.oid}`, of)) return;
    const rows = await this.#seedsOf(of.migration, relation.name);
    this.#push({ ...of, kind: 'seeds', table: shown(relation), rows }, { partOf: relation.oid });
  }

  async #seedsOf(migration: string, table: string): Promise<number | null> {
    const { rows: books } = await this.#client.query<{ there: boolean; readable: boolean | null }>(
      `select oid is not null as there, has_table_privilege(oid, 'select') as readable
         from (select to_regclass('structdb.seeded_rows')::oid as oid) books`,
    );
    if (!books[0]!.there) return 0;
    if (!books[0]!.readable) return null;
    const { rows } = await this.#client.query<{ count: string }>(
      'select count(*) from structdb.seeded_rows where migration = $1 and table_name = $2',
      [migration, table],
    );
    return Number(rows[0]!.count);
  }

  /** What is sure takes the place of what a DO block might have done before. */
  #isNew(key: string, { perhaps = false }: { readonly perhaps?: boolean }): boolean {
    const before = this.#seen.get(key);
    if (before === false || (before === true && perhaps)) return false;
    if (before === true) {
      this.#found = this.#found.filter((found) => found.key !== key);
      this.#ofMigration = this.#ofMigration.filter((found) => found.key !== key);
    }
    this.#seen.set(key, perhaps);
    return true;
  }

  #push(loss: Loss, about: Omit<FoundLoss, 'loss'> = {}): void {
    this.#ofMigration.push({ loss, ...about });
  }
}

function written(name: string): string {
  return writeName({ schema: null, name });
}

/** As SQL writes it; `public.` is left out. */
function shown({ schema, name }: RelationName): string {
  return writeName({ schema: schema === 'public' ? null : schema, name });
}
