import { readdirSync } from 'node:fs';
import type { ScenarioResult } from '../../src/drill/index.ts';
import { temporaryRoot } from '../../src/programs/own-directory.ts';

/**
 * Names of the scratch directories of drills that this process made. Other test files kill drills at the same time, and any
 * drill removes what any killed one left: only the own ones can be told.
 */
export function drillDirectoriesOf(pid: number): string[] {
  return readdirSync(temporaryRoot()).filter((name) => new RegExp(`^structdb-drill-\\d+-${pid}-`).test(name));
}

/**
 * What a scenario did wrong, whatever the machine. One of them has a limit of two seconds for what is lost; how much that
 * is depends on how soon a shared machine lets the receiver run.
 */
export function deviationsBesidesTime({ name, deviations }: ScenarioResult): string[] {
  const late = name === 'server-and-receiver-lost' ? /^\d+ acknowledged rows? of .* lost; the limit is 2\.0 s$/ : /^$/;
  return deviations.filter((line) => !late.test(line));
}
