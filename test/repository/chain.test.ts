import { mkdtemp } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { findBackup } from '../../src/repository/backups.ts';
import { chainOf, withAncestors } from '../../src/repository/chain.ts';
import { formatLabel } from '../../src/repository/label.ts';
import type { ClusterManifest } from '../../src/repository/manifest.ts';
import { encodeJson, ensureRepository, type Repository } from '../../src/repository/repository.ts';
import { openDirectoryStore } from '../../src/storage/directory-store.ts';
import { scratchDirectory } from '../support/scratch.ts';

const scratch = await scratchDirectory();
const SYSTEM = '7711928853349569865';
const labelAt = (hour: number, kind: 'base' | 'incremental') =>
  formatLabel({ at: new Date(Date.UTC(2026, 10, 25, hour)), kind });

function manifestOf(label: string, parent: string | null, timeline = 1): ClusterManifest {
  const common = {
    format: 1 as const,
    label,
    tiers: [],
    purpose: 'run',
    keepLast: null,
    systemIdentifier: SYSTEM,
    startedAt: '2026-11-25T00:00:00.000Z',
    stoppedAt: '2026-11-25T00:00:01.000Z',
    durationMs: 1000,
    startLsn: '0/2000028',
    stopLsn: '0/2000100',
    timeline,
    server: { version: '18.6', major: 18, dataChecksums: true, tablespaces: [] },
    tools: { structdb: '0', compression: 'zstd level 3 on the server' },
    walSegmentBytes: 16 * 1024 * 1024,
    walIncluded: true,
    walSegments: { first: '000000010000000000000002', last: '000000010000000000000002' },
    fromStandby: false,
    plainBytes: 1,
    tablespaces: [],
    configFiles: [],
    databases: [],
    requiredSettings: {},
    preloadLibraries: [],
    superuser: null,
    warnings: [],
    parts: [{ name: 'base.tar.zst', sizeBytes: 1, sha256: '0'.repeat(64) }],
    actor: { host: 'alpha', user: 'ada', command: 'backup run' },
    source: 'postgres://alpha',
    store: 'here',
  };
  return parent === null ? { ...common, kind: 'base', parent } : { ...common, kind: 'incremental', parent };
}

async function repositoryWith(...manifests: readonly ClusterManifest[]): Promise<Repository> {
  const store = openDirectoryStore({ path: await mkdtemp(path.join(scratch, 'r-')), uid: process.geteuid?.() });
  const repository = await ensureRepository(store, {
    systemIdentifier: SYSTEM,
    postgresMajor: 18,
    walSegmentBytes: 16 * 1024 * 1024,
  });
  for (const manifest of manifests)
    await store.putIfAbsent(repository.keys.manifest(manifest.label), encodeJson(manifest));
  return repository;
}

const [one, two, three] = [labelAt(1, 'base'), labelAt(2, 'incremental'), labelAt(3, 'incremental')] as const;
const chain = async (repository: Repository, label: string) => chainOf(await findBackup(repository.store, label));

describe('The chain of a backup', () => {
  it('begins with the full backup and ends with the one that is wanted', async () => {
    const repository = await repositoryWith(manifestOf(one, null), manifestOf(two, one), manifestOf(three, two));
    expect((await chain(repository, three)).map(({ manifest }) => manifest.label)).toEqual([one, two, three]);
    expect((await chain(repository, one)).map(({ manifest }) => manifest.label)).toEqual([one]);
  });

  it.each([
    ['a link that is missing', [manifestOf(one, null), manifestOf(three, two)], `${two}, the parent of ${three}`],
    ['a parent that is not older', [manifestOf(two, three), manifestOf(three, two)], `parent of ${two} cannot be`],
    ['a parent that is itself', [manifestOf(three, three)], `parent of ${three} cannot be ${three}`],
    ['a promotion in between', [manifestOf(one, null), manifestOf(three, one, 2)], 'on timeline 2, its parent'],
  ])('is refused for %s', async (_what, manifests, told) => {
    const repository = await repositoryWith(...manifests);
    await expect(chain(repository, three)).rejects.toMatchObject({
      code: 'BACKUP_CORRUPT',
      message: expect.stringContaining(told),
    });
  });
});

describe('What is kept', () => {
  it('has all that it needs, and nothing else is kept with it', () => {
    // Each backup's parent is an earlier one, or none.
    const history = fc.array(fc.option(fc.nat(), { nil: null }), { minLength: 1, maxLength: 30 }).map((choices) => {
      const parents = new Map<string, string | null>();
      for (const [index, choice] of choices.entries()) {
        parents.set(`b${index}`, choice === null || index === 0 ? null : `b${choice % index}`);
      }
      return parents;
    });
    fc.assert(
      fc.property(history, fc.array(fc.nat({ max: 29 }), { maxLength: 5 }), (parents, picks) => {
        const kept = picks.map((pick) => `b${pick % parents.size}`);
        const needed = withAncestors(kept, parents);
        for (const label of needed) {
          const parent = parents.get(label) ?? null;
          if (parent !== null) expect(needed).toContain(parent);
        }
        const isAncestor = (label: string, of: string | null): boolean =>
          of !== null && (of === label || isAncestor(label, parents.get(of) ?? null));
        for (const label of needed) expect(kept.some((each) => isAncestor(label, each))).toBe(true);
        expect(kept.every((label) => needed.has(label))).toBe(true);
      }),
    );
  });
});
