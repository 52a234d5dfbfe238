import type { Objectives } from '../../config/schema.ts';
import type { LiveState } from '../live.ts';
import { connectionPanel } from './connection-panel.ts';
import { historyOf } from './history.ts';
import { ratePanel } from './rate-panel.ts';
import { transactionPanel } from './transaction-panel.ts';

/** The four pictures of a database: hit rates, connections, transactions. */
export function chartPanels(database: LiveState, objectives: Objectives, now: Date): string {
  const history = historyOf(database.history, now);
  const panels = [
    ratePanel('Index hit rate', ({ indexHitRatio }) => indexHitRatio, objectives.indexHitRate),
    ratePanel('Cache hit rate', ({ cacheHitRatio }) => cacheHitRatio, objectives.cacheHitRate),
    connectionPanel(objectives.connectionUtilisation),
    transactionPanel,
  ];
  return panels.map((panel) => panel(history, database.name)).join('');
}
