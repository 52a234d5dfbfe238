import type pg from 'pg';
import { formatCount } from '../core/units.ts';
import { type Inventory, takeInventory } from '../database/inventory.ts';
import type { DumpManifest } from '../repository/manifest.ts';
import { checkContents } from '../restore/index.ts';
import { checkAuditTriggers } from './audit-triggers.ts';

export interface Check {
  /** Stable: `contents`, `settings`, `sequences`, … */
  readonly name: string;
  readonly ok: boolean;
  /** What was found, in one line. */
  readonly message: string;
  /** Each deviation. */
  readonly details: readonly string[];
}

/** What the checks need to know of a table. */
export interface TableName {
  readonly schema: string;
  readonly name: string;
}

/**
 * Everything that a dump promises, compared with its manifest, as the client's transaction sees it (its snapshot is
 * older than the write probe). `sameMajor` false: definitions may be printed differently and are not compared.
 */
export async function checkRestored(
  client: pg.Client,
  manifest: DumpManifest,
  options: { readonly sameMajor: boolean; readonly onTable?: (done: number, total: number) => void },
): Promise<Check[]> {
  const contents = await checkContents(client, manifest.tables, options.onTable);
  const found = await takeInventory(client);
  return [
    check(
      'contents',
      `${formatCount(contents.rows)} rows of ${contents.tables} tables have the recorded counts and hashes`,
      contents.differences.map(({ message }) => message),
    ),
    check(
      'database',
      'encoding, locale, owner, privileges and comment are as recorded',
      compareDatabase(manifest, found),
    ),
    check('settings', `as recorded (${manifest.database.settings.length})`, compareSettings(manifest, found)),
    check(
      'extensions',
      `there (${manifest.extensions.map(({ name, version }) => `${name} ${version}`).join(', ')})`,
      compareExtensions(manifest, found),
    ),
    check(
      'sequences',
      `ahead of every value used (${found.sequences.length})`,
      checkSequences(manifest.sequences, found),
    ),
    await checkMigrations(client, manifest.tables),
    ...checkStructure(manifest, found, options.sameMajor),
    check('validity', 'every index is valid', invalidIndexes(found)),
    await checkAuditTriggers(client, manifest.tables),
  ];
}

export function check(name: string, good: string, problems: readonly string[]): Check {
  const ok = problems.length === 0;
  const message = ok ? good : problems.length === 1 ? problems[0]! : `${problems.length} deviations: ${problems[0]}`;
  return { name, ok, message, details: problems };
}

function compareDatabase({ database: expected }: DumpManifest, { database: found }: Inventory): string[] {
  const fields = [
    'owner',
    'comment',
    'encoding',
    'localeProvider',
    'collate',
    'ctype',
    'locale',
    'connectionLimit',
  ] as const;
  const problems = fields
    .filter((field) => expected[field] !== found[field])
    .map((field) => `${field} is ${found[field]}, recorded was ${expected[field]}`);
  const text = (privileges: DumpManifest['database']['privileges']) =>
    (privileges ?? [])
      .map(({ grantee, privilege, grantable }) => `${grantee ?? 'PUBLIC'} ${privilege}${grantable ? '*' : ''}`)
      .sort()
      .join(', ');
  if (text(expected.privileges) !== text(found.privileges)) {
    problems.push(`privileges are "${text(found.privileges)}", recorded were "${text(expected.privileges)}"`);
  }
  return problems;
}

function compareSettings({ database: expected }: DumpManifest, { database: found }: Inventory): string[] {
  const keyed = (settings: DumpManifest['database']['settings']) =>
    new Map(settings.map(({ role, name, value }) => [role === null ? name : `${name} of ${role}`, value]));
  return compareMaps(keyed(expected.settings), keyed(found.settings));
}

function compareExtensions(manifest: DumpManifest, found: Inventory): string[] {
  const versions = new Map(found.extensions.map(({ name, version }) => [name, version]));
  return manifest.extensions
    .filter(({ name }) => !versions.has(name))
    .map(({ name, version }) => `extension ${name} ${version} is missing: install it where databases are restored`);
}

/** Never equality: sequences are in no snapshot. What counts is that the next value was not used yet. */
export function checkSequences(recorded: DumpManifest['sequences'], found: Inventory): string[] {
  const names = new Set(found.sequences.map(({ schema, name }) => `${schema}.${name}`));
  const missing = recorded
    .map(({ schema, name }) => `${schema}.${name}`)
    .filter((name) => !names.has(name))
    .map((name) => `sequence ${name} is missing`);
  const behind = found.sequences.flatMap(({ schema, name, nextValue, increment, ownedBy }) => {
    const used = ownedBy?.greatestUsed;
    if (used === null || used === undefined) return [];
    const ahead = increment.startsWith('-') ? BigInt(nextValue) < BigInt(used) : BigInt(nextValue) > BigInt(used);
    return ahead ? [] : [`sequence ${schema}.${name} would give ${nextValue}, but ${used} is used already`];
  });
  return [...missing, ...behind];
}

/** Its rows are part of `contents`; here it must not be absent or empty in a database with structdb's tables. */
export async function checkMigrations(client: pg.Client, tables: readonly TableName[]): Promise<Check> {
  const has = (schema: string, name: string) => tables.some((table) => table.schema === schema && table.name === name);
  if (!has('structdb', 'kysely_migration')) {
    const lost = has('public', 'projects');
    const problem = 'the backup holds tables of structdb but not its record of migrations';
    return check('migrations', "the database is not structdb's: it has no migrations", lost ? [problem] : []);
  }
  const { rows } = await client.query<{ applied: number; last: string | null }>(
    'select count(*)::int as applied, max(name) as last from structdb.kysely_migration',
  );
  const { applied, last } = rows[0]!;
  const problems = has('public', 'projects') && applied === 0 ? ['the record of migrations is empty'] : [];
  return check('migrations', `${applied} migrations are recorded, the last is ${last}`, problems);
}

function checkStructure(manifest: DumpManifest, found: Inventory, sameMajor: boolean): Check[] {
  return Object.entries(manifest.structure).map(([section, expected]) => {
    const definitions = found.structure[section] ?? {};
    const count = Object.keys(expected).length;
    const compare = sameMajor ? compareMaps : compareNames;
    return check(
      section,
      `as recorded (${count})`,
      compare(new Map(Object.entries(expected)), new Map(Object.entries(definitions))),
    );
  });
}

function compareNames(expected: ReadonlyMap<string, string>, found: ReadonlyMap<string, string>): string[] {
  return [...expected.keys()].filter((name) => !found.has(name)).map((name) => `${name} is missing`);
}

function compareMaps(expected: ReadonlyMap<string, string>, found: ReadonlyMap<string, string>): string[] {
  const problems: string[] = [];
  for (const [name, value] of expected) {
    const other = found.get(name);
    if (other === undefined) problems.push(`${name} is missing`);
    else if (other !== value) problems.push(`${name} is "${other.trim()}", recorded was "${value.trim()}"`);
  }
  for (const name of found.keys()) if (!expected.has(name)) problems.push(`${name} was not recorded`);
  return problems;
}

/** The other weaknesses may be meant (NOT VALID, a view never filled) and are compared as structure. */
export function invalidIndexes({ weaknesses }: Inventory): string[] {
  return weaknesses.filter((line) => line.startsWith('index '));
}
