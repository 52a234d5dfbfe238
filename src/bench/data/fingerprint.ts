import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type pg from 'pg';
import { shippedCatalogs } from '../../catalog/index.ts';
import { fingerprintMigrations, readSchemaFacts } from '../../migrate/index.ts';
import { sampleChunks } from '../../sample/index.ts';
import type { DataOptions } from './prepare.ts';

/** Of how databases are filled; raised when that leaves another database than before. */
const LOADER_VERSION = 1;
/** So many projects are generated to recognise the generator: with a long tail among them, and made in a few ms. */
const TRIAL_PROJECTS = 1000;

/**
 * What a filled database is recognised by, 16 hexadecimal digits: migrations, catalogs, generator, seed, size and what
 * runs after loading. Nothing of it is a version that somebody might forget to raise: the generator is recognised by its
 * rows.
 */
export async function fingerprintData(
  { projects, seed, afterLoad, registry }: DataOptions,
  setUp: readonly string[],
): Promise<string> {
  const hash = createHash('sha256');
  const add = (...parts: (string | number)[]) => hash.update(`${JSON.stringify(parts)}\n`);
  add('loader', LOADER_VERSION);
  add('migrations', await fingerprintMigrations(registry));
  add('rows', await fingerprintRows({ projects, seed }));
  add('after load', ...afterLoad.map(({ text }) => text));
  add('set up', ...setUp);
  return hash.digest('hex').slice(0, 16);
}

/**
 * Of the catalogs and the sample alone, whatever the schema that holds them: two runs are compared to see what a change of
 * the schema does, but the rows must be the same.
 */
export async function fingerprintRows({ projects, seed }: Pick<DataOptions, 'projects' | 'seed'>): Promise<string> {
  const hash = createHash('sha256');
  const add = (...parts: (string | number)[]) => hash.update(`${JSON.stringify(parts)}\n`);
  for (const file of shippedCatalogs()) add('catalog', sha256(await readFile(file)));
  for (const { table, text } of sampleChunks({ projects: TRIAL_PROJECTS, seed })) add(table, sha256(text));
  add('sample', projects, seed);
  return hash.digest('hex').slice(0, 16);
}

/** Of the schema as it stands: tells that somebody has changed a database that was kept. */
export async function fingerprintSchema(client: pg.ClientBase): Promise<string> {
  const { facts } = await readSchemaFacts(client);
  return sha256(Buffer.from(JSON.stringify(facts))).slice(0, 16);
}

function sha256(content: Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}
