import type pg from 'pg';
import { readBelongings } from '../database/inventory.ts';
import { structureQueries } from '../database/structure.ts';

/** One object that is not as the migrations would have made it. */
export interface SchemaDeviation {
  /** `missing`: only the migrations have it. `extra`: only the database. */
  readonly kind: 'missing' | 'extra' | 'different';
  /** `table`, `column`, `index`, … */
  readonly what: string;
  readonly name: string;
  readonly database: string | null;
  readonly migrations: string | null;
}

/** Definition by name for each section of structureQueries, and the database's own settings. */
type Sections = Readonly<Record<string, Readonly<Record<string, string>>>>;

const SINGULAR: Readonly<Record<string, string>> = {
  schemas: 'schema',
  relations: 'table',
  columns: 'column',
  constraints: 'constraint',
  indexes: 'index',
  triggers: 'trigger',
  functions: 'function',
  types: 'type',
  policies: 'policy',
  settings: 'setting',
};

/** What a database is made of, owners told as `the owner`, so that databases of different owners compare. */
export async function readSections(client: pg.Client, owners: readonly string[]): Promise<Sections> {
  await client.query('begin transaction isolation level repeatable read, read only');
  try {
    // Definitions are printed relative to the search path.
    await client.query(`select pg_catalog.set_config('search_path', 'pg_catalog', true)`);
    const sections: Record<string, Record<string, string>> = {};
    for (const [section, query] of Object.entries(structureQueries)) {
      const { rows } = await client.query<{ name: string; definition: string }>(query);
      sections[section] = Object.fromEntries(
        rows.map(({ name, definition }) => [name, withoutOwners(definition, owners)]),
      );
    }
    const { settings } = await readBelongings(client);
    sections.settings = Object.fromEntries(
      settings.filter(({ role }) => role === null).map(({ name, value }) => [name, value]),
    );
    return sections;
  } finally {
    await client.query('rollback');
  }
}

/** A view that was never filled is the same view. */
function withoutOwners(definition: string, owners: readonly string[]): string {
  let text = definition.replace(/ never filled(?= as )/, '');
  for (const owner of owners) {
    text = text
      .replaceAll(` owner ${owner}`, ' owner of the database')
      .replaceAll(`${owner}=`, 'owner=')
      .replaceAll(`/${owner}`, '/owner');
  }
  return text;
}

/**
 * What keeps the database from being what the migrations make. Compared are the schemas that the migrations use (not
 * structdb's own) and the settings that they make; `ignored` are the tables in which other tools keep their books.
 */
export function deviations(database: Sections, migrations: Sections, ignored: ReadonlySet<string>): SchemaDeviation[] {
  const schemas = Object.keys(migrations.schemas ?? {}).filter((name) => name !== 'structdb');
  const inScope = (section: string, name: string) =>
    section === 'settings'
      ? name in (migrations.settings ?? {})
      : section === 'schemas'
        ? schemas.includes(name)
        : schemas.some((schema) => name.startsWith(`${schema}.`));
  const found: SchemaDeviation[] = [];
  const whole = new Set<string>(ignored);
  for (const [section, what] of Object.entries(SINGULAR)) {
    const [ours, theirs] = [migrations[section] ?? {}, database[section] ?? {}];
    for (const name of [...new Set([...Object.keys(ours), ...Object.keys(theirs)])].sort()) {
      const [expected, actual] = [ours[name] ?? null, theirs[name] ?? null];
      if (expected === actual || !inScope(section, name)) continue;
      if (section === 'relations' && (expected === null || actual === null)) {
        if (ignored.has(name)) continue;
        whole.add(name);
      } else if (belongsTo(whole, section, name, expected ?? actual ?? '')) continue;
      const kind = actual === null ? 'missing' : expected === null ? 'extra' : 'different';
      found.push({
        kind,
        what: relationKind(section, expected ?? actual) ?? what,
        name,
        database: actual,
        migrations: expected,
      });
    }
  }
  return found;
}

/** The columns, constraints, indexes and triggers of a table that is missing as a whole need no line of their own. */
function belongsTo(tables: ReadonlySet<string>, section: string, name: string, definition: string): boolean {
  const table =
    section === 'columns'
      ? name.replace(/\.(?:"[^"]*"|[^."]*)$/, '')
      : section === 'indexes'
        ? / ON (?:ONLY )?((?:"[^"]*"|[^". ]+)\.(?:"[^"]*"|[^". ]+)) USING /.exec(definition)?.[1]
        : name.split(' ')[0];
  return ['columns', 'indexes', 'constraints', 'triggers', 'policies'].includes(section) && tables.has(table ?? '');
}

function relationKind(section: string, definition: string | null): string | undefined {
  if (section !== 'relations') return undefined;
  return /^(.*?) persistence /.exec(definition ?? '')?.[1];
}
