import { readdirSync } from 'node:fs';

/**
 * Names of the scratch directories of drills that this process made. Other test files kill drills at the same time, and any
 * drill removes what any killed one left: only the own ones can be told.
 */
export function drillDirectoriesOf(pid: number): string[] {
  return readdirSync('/var/tmp').filter((name) => new RegExp(`^structdb-drill-\\d+-${pid}-`).test(name));
}
