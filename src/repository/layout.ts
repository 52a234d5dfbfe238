/**
 * The keys of a repository: the only place that knows them. A repository is what one PostgreSQL cluster (one system
 * identifier) keeps in a store; docs/repository.md shows the tree. Imports nothing, because `wal push` uses it.
 */
export interface RepositoryKeys {
  readonly root: string;
  readonly identity: string;
  readonly backups: string;
  /** Folder of one backup, with the trailing slash. */
  backup(label: string): string;
  manifest(label: string): string;
  /** A part of a backup: `dump.pgdump`, `globals.sql`. */
  part(label: string, name: string): string;
  /** What re-reading this backup at that instant found. */
  verification(label: string, at: Date): string;
  verifications(label: string): string;
  /** Somebody's wish that this backup stays, whatever its age. */
  pin(label: string): string;
  /** A WAL file under its own name; `timeline` as its eight hex digits. */
  wal(timeline: string, fileName: string): string;
  walTimeline(timeline: string): string;
  readonly walRoot: string;
  evidence(kind: EvidenceKind, at: Date): string;
  evidenceFolder(kind: EvidenceKind): string;
  lease(name: string, generation: number): string;
  leases(name: string): string;
}

export type EvidenceKind = 'drills' | 'bench';

/** Of clusters that were made to be broken: their evidence is of the machine and the settings, so it belongs to no repository. */
export type StoreEvidenceKind = 'scenarios';

export function storeEvidenceKey(kind: StoreEvidenceKind, at: Date): string {
  return `${kind}/${instantName(at)}.json`;
}

/** `repository.json` marks a folder of a store as a repository. */
export const IDENTITY_FILE = 'repository.json';

export function repositoryKeys(systemIdentifier: string): RepositoryKeys {
  const root = `${systemIdentifier}/`;
  const backup = (label: string) => `${root}backups/${label}/`;
  return Object.freeze({
    root,
    identity: `${root}${IDENTITY_FILE}`,
    backups: `${root}backups/`,
    backup,
    manifest: (label: string) => `${backup(label)}manifest.json`,
    part: (label: string, name: string) => `${backup(label)}${name}`,
    verification: (label: string, at: Date) => `${backup(label)}verified/${instantName(at)}.json`,
    verifications: (label: string) => `${backup(label)}verified/`,
    pin: (label: string) => `${backup(label)}pinned.json`,
    wal: (timeline: string, fileName: string) => `${root}wal/${timeline}/${fileName}`,
    walTimeline: (timeline: string) => `${root}wal/${timeline}/`,
    walRoot: `${root}wal/`,
    evidence: (kind: EvidenceKind, at: Date) => `${root}${kind}/${instantName(at)}.json`,
    evidenceFolder: (kind: EvidenceKind) => `${root}${kind}/`,
    lease: (name: string, generation: number) => `${root}leases/${name}/${String(generation).padStart(10, '0')}.json`,
    leases: (name: string) => `${root}leases/${name}/`,
  });
}

/** `20261124T020000.123Z`: sorts by time, and is a file name everywhere (no colon). */
export function instantName(at: Date): string {
  return at.toISOString().replace(/[-:]/g, '');
}
