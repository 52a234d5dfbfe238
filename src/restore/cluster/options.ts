import type { SearchPlaces } from '../../programs/find.ts';
import type { Store } from '../../storage/store.ts';
import type { RecoveryTarget } from './target.ts';

/** Which timeline replay follows: the newest that descends from the backup, the backup's own, or one by number. */
export type TimelineWish = number | 'latest' | 'current';

export interface ClusterRestoreOptions {
  /** Where the base backups are. */
  readonly store: Store;
  /** Where the WAL is; mostly the same. */
  readonly walStore: Store;
  /** One backup, or `latest`: the newest from which the target can be reached. */
  readonly label: string;
  /** Which cluster `latest` means; needed only where the store holds several. */
  readonly systemIdentifier?: string | undefined;
  /** The new data directory: absent or empty. */
  readonly targetDirectory: string;
  readonly target: RecoveryTarget;
  readonly timeline?: TimelineWish | undefined;
  /** Old location → new location of tablespaces; those that are not named keep their place. */
  readonly tablespaces: ReadonlyMap<string, string>;
  /** pg_wal of the dead server: what it has beyond the archive is replayed too. */
  readonly salvage?: string | undefined;
  /**
   * `keep`: the restored server goes on archiving as its source did, on its new timeline: right where it replaces a
   * server that is gone. `off` (the default): a copy must never write into the archive of its source.
   */
  readonly archiving?: 'off' | 'keep' | undefined;
  /** Directories of further stores, in which nothing may be restored; `store` and `walStore` need not be named. */
  readonly storeDirectories?: readonly string[] | undefined;
  readonly places: SearchPlaces;
  /** How many archives are unpacked at once; 2 by default. */
  readonly jobs?: number | undefined;
}
