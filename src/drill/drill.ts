import type { RunContext } from '../core/context.ts';
import { StructdbError } from '../core/errors.ts';
import { parseLabel } from '../repository/label.ts';
import { hasBaseBackup } from './base/choose.ts';
import { type BaseDrillOptions, runBaseDrill } from './base/drill.ts';
import { askSource } from './base/source.ts';
import type { DrillResult } from './result.ts';
import { type Drill, type DrillOptions as DumpDrillOptions, runDumpDrill } from './run.ts';

export interface DrillOptions extends DumpDrillOptions, BaseDrillOptions {
  /** What to drill; by default a base backup with its WAL where the cluster has one, else a dump. */
  readonly kind?: 'dump' | 'base' | undefined;
}

/**
 * Drills what an outage would be recovered from: the newest base backup and its WAL, because they lose less, and where
 * the cluster has none the newest dump of the database.
 */
export async function runDrill(options: DrillOptions, context: RunContext): Promise<Drill<DrillResult>> {
  return (await kindOf(options, context)) === 'base' ? runBaseDrill(options, context) : runDumpDrill(options, context);
}

async function kindOf(options: DrillOptions, context: RunContext): Promise<'dump' | 'base'> {
  const { label, kind, randomInstant, baseStores, connection } = options;
  if (label !== undefined) {
    const named = parseLabel(label)?.kind === 'dump' ? 'dump' : 'base';
    if (kind === undefined || kind === named) return named;
    throw new StructdbError('USAGE', `${label} is no ${kind === 'dump' ? 'dump' : 'base backup'}.`, {
      hint: `Leave out --kind ${kind}.`,
    });
  }
  if (kind !== undefined) return kind;
  if (randomInstant) return 'base';
  if (!(await hasBaseBackup(baseStores, undefined))) return 'dump';
  const source = await askSource(connection, context);
  return source === undefined || (await hasBaseBackup(baseStores, source.systemIdentifier)) ? 'base' : 'dump';
}
