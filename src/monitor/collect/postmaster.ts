import type { Collector } from './collector.ts';
import { fromQuery } from './from-query.ts';

/** When the server was started: seconds since 1970. */
export const postmaster = fromQuery({
  name: 'postmaster',
  scope: 'server',
  prefix: 'pg_postmaster_',
  sql: () => `select extract(epoch from pg_postmaster_start_time()) as start_time_seconds`,
});

/** The server's version, whole and short, as labels. */
export const version: Collector = {
  name: 'static',
  scope: 'server',
  async collect(ask, server) {
    const { rows } = await ask('static', 'select version()');
    const labels = { version: rows[0]![0]!, short_version: shortVersion(server.versionNumber) };
    return { samples: [{ name: 'pg_static', labels, value: 1 }] };
  },
};

/** `15.18.0`, as postgres_exporter has it. */
function shortVersion(versionNumber: number): string {
  return `${Math.floor(versionNumber / 10_000)}.${versionNumber % 10_000}.0`;
}

/** Connection limits of roles; -1 is none. */
export const roles = fromQuery({
  name: 'roles',
  scope: 'server',
  prefix: 'pg_roles_',
  labels: ['rolname'],
  sql: () => `select rolname, rolconnlimit as connection_limit from pg_roles`,
});
