import type { Evidence } from '../evidence.ts';
import { backupSection } from './backups.ts';
import { catalogSection } from './catalogs.ts';
import { drillSection } from './drills.ts';
import { monitoringSection } from './monitoring.ts';
import { recoverySection } from './recovery.ts';
import { schemaSection } from './schema.ts';
import type { Section } from './section.ts';
import { speedSection } from './speed.ts';

/** The evidence, area by area, in the order of the index. */
export function sectionsOf(evidence: Evidence): Section[] {
  return [
    schemaSection(evidence),
    catalogSection(evidence),
    speedSection(evidence),
    backupSection(evidence),
    recoverySection(evidence),
    drillSection(evidence),
    monitoringSection(evidence),
  ];
}
