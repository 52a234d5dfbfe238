import { cpSync, writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import path from 'node:path';
import type { ConnectionSettings } from '../../src/config/connection.ts';
import { openDirectoryStore } from '../../src/storage/directory-store.ts';
import type { Store } from '../../src/storage/store.ts';
import { projectRoot } from '../support/cli.ts';
import { type Died, runToDeath } from '../support/kill-points.ts';

/** Prunes a copy of a store in a process of its own, which dies at that point; 0: at none. */
export async function killedCopy(
  { location }: Store,
  connection: ConnectionSettings,
  scratch: string,
  point: number,
): Promise<{ readonly died: Died; readonly store: Store }> {
  const directory = await mkdtemp(path.join(scratch, 'killed-'));
  const copy = path.join(directory, 'store');
  cpSync(location, copy, { recursive: true });
  const file = path.join(directory, 'connection.json');
  writeFileSync(file, JSON.stringify(connection));
  const script = path.join(projectRoot, 'test/backup/prune-to-death.ts');
  const died = await runToDeath(script, [file, copy, connection.database, String(point)]);
  return { died, store: openDirectoryStore({ path: copy, uid: process.geteuid?.() }) };
}
