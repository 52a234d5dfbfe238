import { describeConnection } from '../config/connection.ts';
import type { RestorePlan } from './plan.ts';

/** A plan as people and scripts read it. */
export interface RestorePlanSummary {
  readonly label: string;
  readonly store: string;
  /** Of the source's server, when the snapshot was taken. */
  readonly takenAt: string;
  readonly rows: number;
  readonly tables: number;
  readonly sizeBytes: number;
  readonly encoding: string;
  readonly locale: string;
  readonly target: {
    readonly database: string;
    readonly state: 'create' | 'empty' | 'unfinished';
    /** Without password. */
    readonly server: string;
    readonly serverVersion: string;
    readonly role: string;
  };
  readonly pgRestore: string;
  /** What belongs to the database and not to its contents: `owner ada`, `statement_timeout = 30s`, … */
  readonly putsBack: readonly string[];
}

export function describePlan({ entry, manifest, target, database, pgRestore }: RestorePlan): RestorePlanSummary {
  const { database: belongings } = manifest;
  return {
    label: entry.label,
    store: entry.repository.store.location,
    takenAt: manifest.startedAt,
    rows: manifest.tables.reduce((sum, table) => sum + table.rows, 0),
    tables: manifest.tables.length,
    sizeBytes: manifest.parts.reduce((sum, part) => sum + part.sizeBytes, 0),
    encoding: belongings.encoding,
    locale: belongings.locale ?? belongings.collate,
    target: {
      database,
      state: target.state.kind,
      server: describeConnection(target.maintenance),
      serverVersion: target.server.version,
      role: target.role,
    },
    pgRestore: pgRestore.version,
    putsBack: [
      ...(target.superuser || belongings.owner === target.role
        ? [`owner ${belongings.owner}`]
        : [`everything belongs to ${target.role} (the backup's owner was ${belongings.owner})`]),
      ...belongings.settings.map(({ role, name, value }) => `${name} = ${value}${role === null ? '' : ` for ${role}`}`),
      ...(belongings.privileges ? ['privileges'] : []),
      ...(belongings.comment === null ? [] : ['comment']),
      ...(belongings.connectionLimit === -1 ? [] : [`connection limit ${belongings.connectionLimit}`]),
    ],
  };
}
