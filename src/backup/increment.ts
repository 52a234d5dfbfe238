import type { RunContext } from '../core/context.ts';
import { messageOf, StructdbError } from '../core/errors.ts';
import { lastVerification, listBackups } from '../repository/backups.ts';
import { type ChainLink, chainOf } from '../repository/chain.ts';
import { findPart } from '../repository/parts.ts';
import type { Repository } from '../repository/repository.ts';
import { NO_IDENTITY, SEALED_SUFFIX } from '../storage/sealing.ts';
import { BACKUP_MANIFEST } from './base.ts';

/** The first major with summaries of WAL, from which increments are made. */
const INCREMENTAL_MAJOR = 17;

/** The parent of an increment, or why a full backup has to be made instead. */
export type Parent = { readonly link: ChainLink } | { readonly why: string; readonly hint?: string };

/**
 * The newest backup of the cluster in this store, when an increment can be made of it. Never across a promotion: servers
 * whose minor release is older than the fix of the summaries' boundaries left out changed blocks there (facts: "Fix WAL
 * summary boundary checks for incremental backups"), and a restored chain would hold stale rows.
 */
export async function chooseParent(
  repository: Repository,
  server: { readonly major: number; readonly timeline: number; readonly summarizes: boolean },
): Promise<Parent> {
  if (server.major < INCREMENTAL_MAJOR) {
    return { why: `PostgreSQL ${server.major} makes no incremental backups; ${INCREMENTAL_MAJOR} and newer do` };
  }
  if (!server.summarizes) {
    return {
      why: 'the server does not summarize its WAL',
      hint: 'ALTER SYSTEM SET summarize_wal = on; then reload it.',
    };
  }
  const newest = (await listBackups(repository)).filter(({ parts }) => parts.kind !== 'dump').at(-1);
  if (!newest) return { why: 'there is no backup yet that it could be relative to' };
  if ((await lastVerification(newest))?.ok === false) return { why: `${newest.label} is broken` };
  const chain = await chainOf(newest).catch((error: unknown) => {
    if (error instanceof StructdbError && ['BACKUP_CORRUPT', 'MANIFEST_UNREADABLE'].includes(error.code)) return error;
    throw error;
  });
  if (chain instanceof StructdbError) return { why: messageOf(chain).replace(/\.$/, '') };
  const link = chain.at(-1)!;
  if (link.manifest.timeline !== server.timeline) {
    return {
      why: `the server was promoted since ${newest.label} (timeline ${link.manifest.timeline}, now ${server.timeline})`,
    };
  }
  const list = findPart(link.manifest.parts, BACKUP_MANIFEST);
  if (!list) return { why: `${link.entry.label} has no ${BACKUP_MANIFEST} of its own` };
  if (list.name.endsWith(SEALED_SUFFIX) && repository.store.sealing?.canUnseal !== true) {
    return {
      why: `the list of files of ${link.entry.label} is encrypted, and ${repository.store.sealing?.lacking ?? NO_IDENTITY}`,
      hint: 'Name encryption.identityFile in the configuration, or make full backups.',
    };
  }
  return { link };
}

/** Whether the server refused an increment because it lacks summaries of WAL: a full backup is the way out. */
export function lacksSummaries(error: unknown): boolean {
  return error instanceof StructdbError && /WAL summar/i.test(error.message);
}

export function tellFullInstead(parent: Exclude<Parent, { link: ChainLink }>, context: RunContext): void {
  const hint = parent.hint === undefined ? {} : { hint: parent.hint };
  context.report({ kind: 'notice', message: `A full backup is made instead of an increment: ${parent.why}.`, ...hint });
}
