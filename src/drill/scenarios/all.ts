import { backupCorrupt } from './backup-corrupt.ts';
import { dataDirectoryLost } from './data-directory-lost.ts';
import { diskFull } from './disk-full.ts';
import { failover } from './failover.ts';
import { serverAndReceiverLost } from './server-and-receiver-lost.ts';
import { serverKilled } from './server-killed.ts';
import type { Scenario } from './stage.ts';
import { storeUnreachable } from './store-unreachable.ts';
import { tableDropped } from './table-dropped.ts';
import { walLost } from './wal-lost.ts';

/** The nine, in the order in which `--scenario all` plays them. */
export const scenarios: readonly Scenario[] = [
  serverKilled,
  dataDirectoryLost,
  tableDropped,
  backupCorrupt,
  walLost,
  storeUnreachable,
  failover,
  diskFull,
  serverAndReceiverLost,
];
