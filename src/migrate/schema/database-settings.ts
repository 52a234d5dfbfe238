import type pg from 'pg';
import { readBelongings } from '../../database/inventory.ts';
import type { SchemaFact } from './schema-facts.ts';

/** The settings that hold in this database for every role (ALTER DATABASE … SET). */
export async function readDatabaseSettings(client: pg.ClientBase): Promise<SchemaFact[]> {
  const { settings } = await readBelongings(client);
  return settings
    .filter(({ role }) => role === null)
    .map(({ name, value }) => ({ object: 'setting', name, of: null, definition: value }));
}
