import { readFile } from 'node:fs/promises';
import type pg from 'pg';
import type { ConnectionSettings } from '../config/connection.ts';
import { messageOf } from '../core/errors.ts';
import type { ClusterManifest, ManifestPart } from '../repository/manifest.ts';
import { plainName, writePart } from '../repository/parts.ts';
import type { Repository } from '../repository/repository.ts';
import { readSettings } from './cluster-source.ts';

export interface ConfigFiles {
  readonly configFiles: ClusterManifest['configFiles'];
  readonly parts: readonly ManifestPart[];
}

const SETTINGS = ['config_file', 'hba_file', 'ident_file'];

/**
 * Stores the configuration files that lie outside the data directory (Debian keeps them in /etc): no base backup holds
 * them. Read by the server where the role may, else from this machine's disk when the server runs on it; what cannot be
 * read is told to `warn`.
 */
export async function storeConfigFiles(
  client: pg.ClientBase,
  connection: ConnectionSettings,
  to: { readonly repository: Repository; readonly label: string },
  warn: (message: string) => void,
): Promise<ConfigFiles> {
  const settings = await readSettings(client, [...SETTINGS, 'data_directory']);
  const dataDirectory = settings.get('data_directory');
  if (dataDirectory === undefined) {
    warn(
      `configuration files are not included: "${connection.user}" may not see where they are (GRANT pg_read_all_settings)`,
    );
    return { configFiles: [], parts: [] };
  }
  const configFiles: ConfigFiles['configFiles'] = [];
  const parts: ManifestPart[] = [];
  for (const setting of SETTINGS) {
    const path = settings.get(setting);
    if (!path || path.startsWith(`${dataDirectory.replace(/\/+$/, '')}/`)) continue;
    const content = await readByServer(client, path).catch(async (error: unknown) => {
      const local = isLocal(connection) ? await readFile(path).catch(() => undefined) : undefined;
      if (!local) warn(`${path} (${setting}) is not included: ${messageOf(error)}`);
      return local;
    });
    if (!content) continue;
    const part = await writePart(to.repository, to.label, `config/${setting}`, bytes(content));
    configFiles.push({ setting, path, part: plainName(part) });
    parts.push(part);
  }
  return { configFiles, parts };
}

/** Needs a superuser, or EXECUTE on pg_read_binary_file and membership of pg_read_server_files. */
async function readByServer(client: pg.ClientBase, path: string): Promise<Buffer> {
  const { rows } = await client.query<{ content: Buffer }>('select pg_catalog.pg_read_binary_file($1) as content', [
    path,
  ]);
  return rows[0]!.content;
}

function isLocal({ host }: ConnectionSettings): boolean {
  return host.startsWith('/') || ['localhost', '127.0.0.1', '::1'].includes(host);
}

async function* bytes(content: Buffer): AsyncGenerator<Buffer> {
  yield content;
}
