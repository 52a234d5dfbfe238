import { m } from '../metric-name.ts';
import { INSTANCE, type StatSpec } from './panels.ts';

const WINDOW = { unit: 's', noValue: 'no window', width: 4, height: 4 } as const;

/** Both ends of the recovery window, as stats of every dashboard that shows it. */
export const RECOVERABLE_BACK_TO: StatSpec = {
  ...WINDOW,
  title: 'Recoverable back to',
  description:
    'How long ago the oldest instant is that can be reached; 7 days are promised (backup.wal.recoveryWindow).',
  alerts: ['StructdbRecoveryWindowShrinking', 'StructdbWalMissing'],
  query: { expr: `time() - min(${m('structdb_recovery_window_start_timestamp_seconds', INSTANCE)})` },
};

export const NEWEST_RECOVERABLE: StatSpec = {
  ...WINDOW,
  title: 'Newest recoverable instant',
  description:
    'How long ago it is. objectives.rpo promises 5 minutes for a server that writes; an idle one loses nothing.',
  alerts: ['StructdbRecoveryPointBehind', 'StructdbWalArchiveFailing'],
  query: { expr: `time() - max(${m('structdb_recovery_window_end_timestamp_seconds', INSTANCE)})` },
  steps: [
    [null, 'green'],
    [300, 'orange'],
  ],
};
