import { capacity } from './capacity.ts';
import { overview } from './overview.ts';
import { queries } from './queries.ts';
import { recovery } from './recovery.ts';
import { runbooks } from './runbooks.ts';

/** By the name of the file. */
export const DASHBOARDS: Readonly<Record<string, () => unknown>> = {
  overview,
  'backups-and-drills': recovery,
  queries,
  capacity,
  runbooks,
};
