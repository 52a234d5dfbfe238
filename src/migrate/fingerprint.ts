import { createHash } from 'node:crypto';
import { checksumOf, compileMigration, joinStatements } from './compile.ts';
import { namesOf, type Registry, registry as shipped } from './registry.ts';

/** SHA-256 over the names and the SQL of all migrations: equal when they make the same. */
export async function fingerprintMigrations(registry: Registry = shipped): Promise<string> {
  const hash = createHash('sha256');
  for (const name of namesOf(registry)) {
    const sql = joinStatements(await compileMigration(registry[name]!, 'up'));
    hash.update(`${name} ${checksumOf(sql)}\n`);
  }
  return hash.digest('hex');
}
