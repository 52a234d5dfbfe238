import type { Config } from '../config/schema.ts';
import type { RunContext } from '../core/context.ts';
import { StructdbError } from '../core/errors.ts';
import { listBackups, readManifest, type Series } from '../repository/backups.ts';
import type { Tier } from '../repository/manifest.ts';
import type { Repository } from '../repository/repository.ts';
import { dayStart } from './schedule.ts';

/** The tiers whose current period has no readable backup of this series, and the label that satisfies the others. */
export async function dueTiers(
  of: { readonly repository: Repository; readonly series: Series },
  policy: Config['backup'],
  context: RunContext,
): Promise<{ readonly due: readonly Tier[]; readonly satisfiedBy: string | null }> {
  const begin = dayStart(context.clock.now(), policy.daily.at, policy.timeZone);
  const sinceThen = (await listBackups(of.repository, of.series)).filter((entry) => entry.parts.at >= begin);
  for (const entry of sinceThen) {
    const manifest = await readManifest(entry).catch((error) => {
      if (error instanceof StructdbError && error.code === 'MANIFEST_UNREADABLE') return undefined;
      throw error;
    });
    if (manifest?.tiers.includes('daily')) return { due: [], satisfiedBy: entry.label };
  }
  return { due: ['daily'], satisfiedBy: null };
}
