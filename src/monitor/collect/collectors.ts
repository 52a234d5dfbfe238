import { statArchiver } from './archiver.ts';
import { statBgwriter, statCheckpointer } from './checkpoints.ts';
import type { Collector } from './collector.ts';
import { connections } from './connections.ts';
import { database, databaseWraparound } from './database.ts';
import { locks } from './locks.ts';
import { postmaster, roles, version } from './postmaster.ts';
import { replication, replicationSlots, statReplication, statWalReceiver } from './replication.ts';
import { settings } from './settings.ts';
import { statActivity } from './stat-activity.ts';
import { statDatabase } from './stat-database.ts';
import { statIo } from './stat-io.ts';
import { statProgressVacuum } from './stat-progress-vacuum.ts';
import { statioUserIndexes, statioUserTables, statUserTables, tableSizes } from './tables.ts';
import { longRunningTransactions, statActivityAutovacuum } from './transactions.ts';
import { statWal, wal } from './wal.ts';

/** The collectors of statistics, in the order in which they ask: first what says most about the server. */
export const COLLECTORS: readonly Collector[] = Object.freeze([
  postmaster,
  version,
  replication,
  connections,
  statActivity,
  statDatabase,
  statArchiver,
  locks,
  settings,
  longRunningTransactions,
  statActivityAutovacuum,
  statProgressVacuum,
  statBgwriter,
  statCheckpointer,
  statWal,
  statIo,
  replicationSlots,
  statReplication,
  statWalReceiver,
  databaseWraparound,
  roles,
  wal,
  statioUserTables,
  statUserTables,
  statioUserIndexes,
]);

/** To measure, the server looks at every file of a database: these are asked now and then only, and last. */
export const SIZES: readonly Collector[] = Object.freeze([database, tableSizes]);
