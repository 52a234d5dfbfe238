import { ALERT_GROUPS } from '../alerts/index.ts';

/** The dashboard that shows what docs/alerts.md says: Grafana cannot link into a repository that it does not know. */
export const RUNBOOKS_UID = 'structdb-runbooks';

const names: readonly string[] = ALERT_GROUPS.flatMap(({ alerts }) => alerts.map(({ name }) => name));

/** The number of an alert's panel there. @throws Error for an alert that is none */
export function runbookPanelId(name: string): number {
  const index = names.indexOf(name);
  if (index < 0) throw new Error(`There is no alert ${name}.`);
  return index + 1;
}
