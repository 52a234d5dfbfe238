import { judgeVerifiedCatalogs } from '../../../catalog/index.ts';
import { judgeVerify } from '../../../migrate/index.ts';
import type { Area, AreaId, BrokenPromise } from '../confidence.ts';
import type { Evidence } from '../evidence.ts';
import { backupProofs } from './backups.ts';
import { catalogProofs } from './catalogs.ts';
import { drillProofs } from './drills.ts';
import { monitoringProofs } from './monitoring.ts';
import { recoveryProofs } from './recovery.ts';
import { schemaProofs } from './schema.ts';
import { speedProofs } from './speed.ts';

/** What the evidence proves, area by area. */
export function proofsOf(evidence: Evidence): Readonly<Record<AreaId, Area>> {
  return {
    schema: schemaProofs(evidence),
    catalogs: catalogProofs(evidence),
    speed: speedProofs(evidence),
    backups: backupProofs(evidence),
    recovery: recoveryProofs(evidence),
    drills: drillProofs(evidence),
    monitoring: monitoringProofs(evidence),
  };
}

/** What is known not to hold: what the monitor watches, and what only a report looks at. */
export function brokenPromises({ promises, schema, catalogs }: Evidence): BrokenPromise[] {
  const found: BrokenPromise[] = promises
    .filter(({ state }) => state === 'broken')
    .map(({ id, message, fix }) => ({ id, message, fix }));
  const schemaError = schema.ok ? judgeVerify(schema.value) : undefined;
  if (schemaError) found.push({ id: 'schema.verified', message: schemaError.message, fix: schemaError.hint ?? null });
  const catalogError = catalogs.ok
    ? judgeVerifiedCatalogs({ equal: false, files: catalogs.value.compared, imports: [] })
    : undefined;
  if (catalogError) {
    found.push({ id: 'catalogs.compared', message: catalogError.message, fix: catalogError.hint ?? null });
  }
  return found;
}
