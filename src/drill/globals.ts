import type pg from 'pg';
import { quoteIdentifier } from '../postgres/connect.ts';
import type { BackupEntry } from '../repository/backups.ts';
import type { DumpManifest, ManifestPart } from '../repository/manifest.ts';
import { findPart, readPart } from '../repository/parts.ts';

const GLOBALS_PART = 'globals.sql';

/**
 * Makes the roles that the backup's objects belong and are granted to: without passwords and without the right to log
 * in, because nobody but the drill comes to a scratch server. Tablespaces stay away: their directories are the source's.
 */
export async function createRoles(client: pg.Client, entry: BackupEntry, manifest: DumpManifest): Promise<number> {
  const names = new Set(rolesOf(manifest));
  const memberships: string[] = [];
  const superusers = new Set<string>();
  const part = findPart(manifest.parts, GLOBALS_PART);
  if (part) {
    const script = await readGlobals(entry, part);
    for (const line of script.split('\n')) {
      const role = /^CREATE ROLE (.+);$/.exec(line)?.[1];
      if (role !== undefined) names.add(unquote(role));
      // Some objects (event triggers, foreign-data wrappers) can only belong to a superuser.
      const superuser = /^ALTER ROLE (.+) WITH SUPERUSER /.exec(line)?.[1];
      if (superuser !== undefined) superusers.add(unquote(superuser));
      if (/^GRANT (?!.* ON ).+ TO .+;$/.test(line)) memberships.push(line.replace(/ GRANTED BY .*;$/, ';'));
    }
  }
  const { rows } = await client.query<{ name: string }>('select rolname as name from pg_roles');
  const present = new Set(rows.map(({ name }) => name));
  // Names that begin with pg_ are the server's own; a newer one may have roles that an older one lacks.
  const missing = [...names].filter((name) => !present.has(name) && !name.startsWith('pg_'));
  for (const name of missing) {
    await client.query(`create role ${quoteIdentifier(name)} nologin${superusers.has(name) ? ' superuser' : ''}`);
  }
  for (const membership of memberships) await client.query(membership).catch(() => {});
  return missing.length;
}

async function readGlobals(entry: BackupEntry, part: ManifestPart): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of readPart(entry, part)) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

/** Every role that the manifest itself names, for dumps without globals. */
function rolesOf({ database, structure }: DumpManifest): string[] {
  const named = [
    database.owner,
    ...database.settings.map(({ role }) => role),
    ...(database.privileges ?? []).map(({ grantee }) => grantee),
  ];
  const inStructure = Object.values(structure).flatMap((section) => Object.values(section));
  for (const definition of inStructure) {
    const owner = / owner (.+?)(?= acl | comment |$)/.exec(definition)?.[1];
    named.push(owner ?? null);
    // An ACL item is grantee=privileges/grantor; an empty grantee is PUBLIC.
    for (const [, grantee] of (/ acl (.+?)(?= comment |$)/.exec(definition)?.[1] ?? '').matchAll(
      /(?:^|, )([^=,]+)=/g,
    )) {
      named.push(unquote(grantee!));
    }
  }
  for (const policy of Object.values(structure.policies ?? {})) {
    named.push(...(/ to (.+?)(?= using | check |$)/.exec(policy)?.[1]?.split(', ') ?? []));
  }
  return named.filter((name) => name !== null && name !== 'public') as string[];
}

function unquote(identifier: string): string {
  return identifier.startsWith('"') ? identifier.slice(1, -1).replaceAll('""', '"') : identifier;
}
